"""Connections accepted at each socket: of a watcher with one, with several, and with one for each of its processes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from circus_stack.client.subscriber import Subscriber
from circus_stack.client.sync import Client
from tests.integration.serve.projects import write_app, write_watchers
from tests.support.http_client import Client as HttpClient
from tests.support.stack import Room, RunningStack, room
from tests.support.waiting import PATIENCE_S, wait_until

BACKENDS = ("gevent", "fastgevent")
TIMES = 6
_SOCKET = "[socket:{name}]\nhost = 127.0.0.1\nport = 0\n{more}\n"
_WATCHER = """\
[watcher:{name}]
cmd = {python} -m chaussette {fds} --backend {backend} hello:app
use_sockets = true
ready = notify
numprocesses = {processes}
"""


def sections(backend: str) -> Iterator[str]:
    for name, processes, sockets in (("one", 2, ("one",)), ("two", 1, ("first", "second")), ("lane", 2, ("lane",))):
        names = [f"{each}-{backend}" for each in sockets]
        more = "so_reuseport = true" if name == "lane" else ""
        yield from (_SOCKET.format(name=each, more=more) for each in names)
        fds = " ".join(f"--fd $(circus.sockets.{each})" for each in names)
        yield _WATCHER.format(
            name=f"{name}-{backend}", python=sys.executable, fds=fds, backend=backend, processes=processes
        )


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("accepted")) as made:
        yield made


@pytest.fixture(scope="module")
def stack(here: Room) -> RunningStack:
    write_app(here.directory)
    text = "[circus]\nstatsd = true\nstats_interval = 0.3\n" + "".join(
        each for backend in BACKENDS for each in sections(backend)
    )
    made = here.serve(str(write_watchers(here.directory, text)))
    made.wait_pids(1, watcher="circusd-stats")
    # From its first look on each connection is counted.
    wait_until(lambda: counted(made, "one-gevent", "lane-gevent", "one-fastgevent", "lane-fastgevent") == [0] * 4,
               "all are looked at", detail=made.output)  # fmt: skip
    return made


def sockets(stack: RunningStack) -> dict[str, dict[str, Any]]:
    with Client(stack.found().record.stats_query_endpoint, timeout_s=PATIENCE_S) as client:
        return {each["name"]: each for each in client.call("snapshot")["sockets"]}


def counted(stack: RunningStack, *names: str) -> list[int | None]:
    """How many were accepted at sockets, since circusd-stats looks at them."""
    found = sockets(stack)
    return [found[name]["accepted"] if name in found else None for name in names]


def connect(stack: RunningStack, name: str) -> None:
    for _ in range(TIMES):
        client = HttpClient(stack.address(name))
        client.fetch("/")
        client.close()


@pytest.mark.parametrize("backend", BACKENDS)
def test_all_that_come_to_a_socket_of_its_own_count(stack: RunningStack, backend: str) -> None:
    for name in (f"one-{backend}", f"lane-{backend}"):
        connect(stack, name)
        wait_until(lambda name=name: counted(stack, name) == [TIMES], f"those of {name}", detail=lambda: sockets(stack))


@pytest.mark.parametrize("backend", BACKENDS)
def test_at_which_of_several_a_worker_accepts_is_not_known(stack: RunningStack, backend: str) -> None:
    names = (f"first-{backend}", f"second-{backend}")
    for name in names:
        connect(stack, name)
    for name in names:
        found = sockets(stack)[name]
        assert (found["accepted"], found["accepted_per_s"], found["watchers"]) == (None, None, [f"two-{backend}"])
    with Subscriber(stack.found().record.stats_endpoint, ("stat.sockets",)) as subscriber:
        while (message := subscriber.receive(PATIENCE_S)) is not None and message[0] != "stat.sockets":
            pass
    assert message is not None
    # So the sum isn't, either.
    assert message[1]["accepted_per_s"] is None


def test_it_ends_with_the_stack(here: Room, stack: RunningStack) -> None:
    assert stack.stop() == 0
    here.assert_nothing_left()
