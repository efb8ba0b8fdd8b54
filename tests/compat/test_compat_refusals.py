"""What one side refuses and the other does not: each daemon here is a test's own, and stands alone."""

from __future__ import annotations

from circus_stack.config.schema import CircusConfig
from tests.compat.daemons import THEIRS, start
from tests.compat.differences import intended
from tests.compat.wire import Wire
from tests.support.ports import free_port
from tests.support.processes import BIN, running
from tests.support.stack import Room


def test_circus_does_not_answer_an_odd_message(here: Room) -> None:
    daemon = start(here, THEIRS, "")
    wire = Wire(daemon.endpoint)
    try:
        wire.send([])
        # Mostly there is no answer to this one either: the socket wakes the daemon no more.
        wire.send({"id": "x", "command": "list", "properties": {}})
        reply = wire.receive(0.5)
        assert reply is None or reply["id"] == "x"
    finally:
        wire.close()
        daemon.close()


def circusd_refuses(here: Room, ini: str) -> str:
    """What our circusd says of a file that it does not start."""
    path = here.directory / "circus.ini"
    path.write_text(ini)
    with running([str(BIN / "circusd"), str(path)], here.directory / "circusd.log", env=here.environ) as program:
        assert program.wait_exit() == 2
        return program.output()


def test_a_mistake_in_the_file_keeps_everything_from_starting(here: Room) -> None:
    assert intended("mistakes in the file")
    mistake = "\n[watcher:two]\ncmd = sleep 600\nsingleton = True\nnumprocesses = 2\n"
    daemon = start(here, THEIRS, mistake)
    try:
        assert daemon.call("list")["watchers"] == ["barrier"]
        assert "two" in circusd_refuses(here, mistake)
    finally:
        daemon.close()


def test_an_endpoint_that_others_can_reach_is_refused(here: Room) -> None:
    assert intended("endpoints that others can reach")
    told = circusd_refuses(here, f"[circus]\nendpoint = tcp://0.0.0.0:{free_port()}\n[watcher:a]\ncmd = sleep 600\n")

    assert "circus.ini:2" in told


def test_multicast_is_off_unless_it_is_set() -> None:
    assert intended("multicast")
    assert CircusConfig().multicast_endpoint is None
