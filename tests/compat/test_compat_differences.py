"""The differences that no comparison of replies shows, one test each; and the page that lists all of them."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat.daemons import OURS, SIDES, THEIRS, Daemon, both
from tests.compat.differences import DIFFERENCES, intended, page_rows
from tests.compat.scripts.messages import DEAFENING
from tests.support.stack import Room
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
INI = """
[watcher:web]
cmd = sleep 600
numprocesses = 2
graceful_timeout = 20
ready = delay:1

[watcher:idle]
cmd = sleep 600
autostart = False

[watcher:stubborn]
cmd = sh -c 'trap "" TERM; exec sleep 600'
graceful_timeout = 1
ready = delay:0.3
"""


@pytest.fixture(scope="module")
def daemons(place: Room) -> Iterator[dict[str, Daemon]]:
    with both(place, INI) as made:
        yield made


def test_the_page_lists_what_the_table_has() -> None:
    rows = re.findall(r"^\| .+ \|$", (ROOT / "docs" / "circus-differences.md").read_text(), re.MULTILINE)

    # Two lines are the head. To write the rest: python -m tests.compat.differences
    assert rows[2:] == page_rows()


def test_each_difference_is_shown_by_a_test() -> None:
    sources = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    shown = set(re.findall(r'intended\("([^"]+)"\)', sources))

    assert [each.name for each in DIFFERENCES if not each.seen and each.name not in shown] == []


def test_what_is_slow_to_stop_delays_nobody(daemons: dict[str, Daemon]) -> None:
    assert intended("conflicts")
    for side in SIDES:
        daemon = daemons[side]
        daemon.call("stop", name="stubborn")
        # `ask` would ask again: what counts here is the first answer.
        daemon.wire.send({"id": "during", "command": "incr", "properties": {"name": "web", "waiting": True}})
        reply = daemon.wire.receive()
        assert reply is not None
        assert (reply["status"], reply.get("errno")) == (("error", 5) if side == THEIRS else ("ok", None)), reply
        daemon.settle()


@pytest.mark.parametrize("step", DEAFENING, ids=lambda step: step.title.replace(" ", "-"))
def test_an_odd_message_is_answered(step, daemons: dict[str, Daemon]) -> None:
    assert intended("odd messages")
    reply = step.run(daemons[OURS])

    assert (reply["status"], reply["tb"]) == ("error", None)
    assert reply["errno"] == (1 if step.title == "blanks" else 3)


def test_a_change_that_fails_leaves_the_old_processes(daemons: dict[str, Daemon]) -> None:
    assert intended("a change that fails")
    for side in SIDES:
        daemon = daemons[side]
        before = daemon.pids("web")
        reply = daemon.call("set", name="web", options={"cmd": "sh -c 'sleep 0.5; exit 3'"}, waiting=True)
        if side == THEIRS:
            assert reply["status"] == "ok"
            wait_until(lambda: not set(daemon.pids("web")) & set(before), "the end of those that worked")  # noqa: B023
        else:
            assert reply["status"] == "error"
            assert daemon.pids("web") == before
        daemon.call("set", name="web", options={"cmd": "sleep 600"}, waiting=True)
        daemon.settle()


def test_what_was_set_survives_another_change(daemons: dict[str, Daemon]) -> None:
    assert intended("runtime changes and `reloadconfig`")
    assert intended("what `reloadconfig` tells")
    for side, expected in ((THEIRS, 20.0), (OURS, 7.0)):
        daemon = daemons[side]
        daemon.call("set", name="web", options={"graceful_timeout": 7}, waiting=True)
        daemon.ini.write_text(daemon.ini.read_text().replace("numprocesses = 2", "numprocesses = 2\nstop_signal = INT"))
        reply = daemon.call("reloadconfig", waiting=True)
        assert reply["status"] == "ok"
        assert ("changes" in reply) == (side == OURS)
        daemon.settle()
        options = daemon.call("get", name="web", keys=["graceful_timeout", "stop_signal"])["options"]
        assert options == {"graceful_timeout": expected, "stop_signal": signal.SIGINT}


def test_restart_of_all_leaves_what_does_not_start_by_itself(daemons: dict[str, Daemon]) -> None:
    """Ours alone: Circus binds its endpoints again, and now and then fails at that."""
    assert intended("`restart` of all")
    daemon = daemons[OURS]
    daemon.call("set", name="web", options={"graceful_timeout": 11}, waiting=True)
    before = daemon.pids("web")
    assert daemon.call("restart", waiting=True)["status"] == "ok"
    daemon.settle()
    assert not set(before) & set(daemon.pids("web"))
    statuses = daemon.call("status")["statuses"]
    assert statuses == {"barrier": "active", "idle": "stopped", "stubborn": "active", "web": "active"}
    assert daemon.call("get", name="web", keys=["graceful_timeout"])["options"] == {"graceful_timeout": 11}


def test_a_change_of_the_arbiters_own_options_touches_no_process(daemons: dict[str, Daemon]) -> None:
    """Ours alone, for the reason of the test before."""
    assert intended("changes of `[circus]`")
    daemon = daemons[OURS]
    before = daemon.pids("web")
    daemon.ini.write_text(daemon.ini.read_text().replace("[circus]\n", "[circus]\numask = 027\n", 1))
    reply = daemon.call("reloadconfig", waiting=True)
    assert reply["status"] == "ok"
    assert [each for each in reply["changes"] if "umask" in each and "at the next start of the arbiter" in each], reply
    assert daemon.pids("web") == before
