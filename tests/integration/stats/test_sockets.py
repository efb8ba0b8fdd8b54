"""Listening sockets of every kind on the statistics channel: their queues, filtered, and read by Circus's clients."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from circus_stack.client.stats.records import SocketStats
from circus_stack.client.stats.sync import StatsClient, Subscription
from circus_stack.client.subscriber import Subscriber
from tests.support.ports import free_port
from tests.support.pty_program import PtyProgram
from tests.support.stack import Room, RunningStack, room
from tests.support.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[3]
RELEASED = ROOT / ".venv" / "circus" / "bin"
NAMES = ("plain", "any4", "any6", "named", "lane", "unix")


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("sockets")) as made:
        yield made


@pytest.fixture(scope="module")
def stats_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def stack(here: Room, stats_port: int) -> RunningStack:
    hosts = {"plain": "127.0.0.1", "any4": "0.0.0.0", "any6": "::", "named": "localhost", "lane": "127.0.0.1"}
    sections = "".join(f"[socket:{name}]\nhost = {host}\nport = {free_port()}\n" for name, host in hosts.items())
    ini = here.directory / "sockets.ini"
    ini.write_text(
        f"""\
[circus]
endpoint = tcp://127.0.0.1:{free_port()}
pubsub_endpoint = tcp://127.0.0.1:{free_port()}
stats_endpoint = tcp://127.0.0.1:{stats_port}
statsd = true
stats_interval = 0.3
{sections}so_reuseport = true
[socket:unix]
path = {here.base}/unix.sock
backlog = 5
[watcher:idle]
cmd = {sys.executable} -c "import time; time.sleep(1000)" $(circus.sockets.plain) $(circus.sockets.unix)
use_sockets = true
"""
    )
    made = here.circusd(str(ini))
    made.wait_pids(1, watcher="circusd-stats")
    return made


@pytest.fixture(scope="module")
def stats(here: Room, stack: RunningStack) -> Iterator[StatsClient]:
    with StatsClient.find(here.environ, timeout_s=PATIENCE_S) as made:
        yield made


def connect(address: Any) -> socket.socket:
    if isinstance(address, str):
        made = socket.socket(socket.AF_UNIX)
        made.connect(address)
        return made
    return socket.create_connection(("127.0.0.1" if address[0] == "0.0.0.0" else address[0], address[1]), 10)


@pytest.mark.parametrize("name", NAMES)
def test_each_kind_has_its_queue(stack: RunningStack, stats: StatsClient, name: str) -> None:
    with contextlib.ExitStack() as open_ones, stats.subscribe(socket=name) as records:
        for _ in range(2):
            open_ones.enter_context(connect(stack.address(name)))
        found = wait_until(lambda: _with_queue(records, 2), f"two that wait at {name}", detail=stack.output)
    assert found.name == name
    assert (found.limit, found.fd) == (5 if name == "unix" else 2048, _listed(stack, name)["fd"])
    # Nobody is known to accept there.
    assert found.accepted_per_s is None


def _with_queue(records: Subscription, queued: int) -> SocketStats | None:
    """The next record, if so many wait by then."""
    found = records.receive(PATIENCE_S)
    assert isinstance(found, SocketStats)
    return found if found.queued == queued else None


def _listed(stack: RunningStack, name: str) -> dict[str, Any]:
    [found] = [each for each in stack.call("listsockets")["sockets"] if each["name"] == name]
    return dict(found)


def test_it_is_told_whose_they_are(stack: RunningStack, stats: StatsClient) -> None:
    assert _listed(stack, "plain")["watchers"] == ["idle"]
    assert _listed(stack, "any4")["watchers"] == []
    assert {each.name for each in stats.snapshot().sockets} == set(NAMES)


def test_topics_and_fields_are_circuss(stack: RunningStack, stats_port: int) -> None:
    listed = _listed(stack, "plain")
    with Subscriber(f"tcp://127.0.0.1:{stats_port}", (f"stat.sockets.{listed['fd']}",)) as one:
        message = one.receive(PATIENCE_S)
        assert message is not None
        topic, fields = message
    assert topic == f"stat.sockets.{listed['fd']}"
    assert (fields["fd"], fields["subtopic"], fields["reads"]) == (listed["fd"], listed["fd"], 0)
    assert fields["address"] == f"127.0.0.1:{listed['port']}"
    with Subscriber(f"tcp://127.0.0.1:{stats_port}", ("stat.sockets",)) as several:
        while (message := several.receive(PATIENCE_S)) is not None and message[0] != "stat.sockets":
            pass
    assert message is not None
    assert len(message[1]["addresses"]) == len(NAMES)
    assert message[1]["reads"] == 0


def test_released_circus_top_shows_processes_and_sockets(here: Room, stack: RunningStack, stats_port: int) -> None:
    port = _listed(stack, "plain")["port"]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    screen = PtyProgram(
        [str(RELEASED / "circus-top"), "--endpoint", f"tcp://127.0.0.1:{stats_port}"],
        env={**environ, "TERM": "xterm"},
        cwd=here.directory,
    )
    try:
        [pid] = stack.pids("idle")
        screen.wait_shown(str(pid))
        screen.wait_shown(f"127.0.0.1:{port}")
    finally:
        screen.close()


def test_it_ends_with_the_stack(here: Room, stack: RunningStack) -> None:
    assert stack.stop() == 0
    wait_until(lambda: not here.stacks(), "the end")
    here.assert_nothing_left()
