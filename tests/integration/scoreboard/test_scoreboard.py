"""The scoreboard of a running stack: figures of each worker, and the same ones after an upgrade and after a crash."""

from __future__ import annotations

import signal

import pytest

from chaussette.scoreboard import Reader, State
from tests.integration.handover.programs import upgrade
from tests.integration.serve.projects import BACKENDS, SERVER, write_ini
from tests.support.waiting import PATIENCE_S, wait_until


def reader_of(stack) -> Reader:
    return Reader(stack.call("globaloptions", option="scoreboard")["options"]["scoreboard"])


def requests_of(stack) -> dict[int, int]:
    reader = reader_of(stack)
    try:
        return {each.pid: each.requests for each in reader.snapshot().slots}
    finally:
        reader.close()


@pytest.mark.parametrize(("backend", "more"), [*((each, "") for each in BACKENDS), ("gevent", "preload = true\n")])
def test_each_worker_is_seen_with_what_it_has_done(here, backend, more):
    stack = here.serve(str(write_ini(here.directory, server=SERVER + more)), "--backend", backend)
    first = set(stack.pids())
    client = stack.client()
    answers = [int(client.fetch("/", Connection="close")[1]) for _ in range(20)]
    reader = reader_of(stack)
    found = reader.snapshot().by_pid()
    assert set(found) == first
    assert {pid: answers.count(pid) for pid in first} == {pid: each.requests for pid, each in found.items()}
    assert all(each.state is State.SERVING and each.in_flight == 0 for each in found.values())
    assert all(each.statuses == (0, 0, each.requests, 0, 0, 0) for each in found.values())
    assert all(sum(each.buckets) == each.requests for each in found.values())
    assert sum(each.sent for each in found.values()) == sum(len(str(each)) for each in answers)
    beats = {pid: each.heartbeat_ns for pid, each in found.items()}
    assert all(beats.values())
    infos = stack.call("stats", name="web")["info"]
    assert {int(pid): info["requests"] for pid, info in infos.items()} == {
        pid: each.requests for pid, each in found.items()
    }
    stack.call("reload", waiting=True)
    wait_until(lambda: first.isdisjoint(reader.snapshot().by_pid()), "the slots of those that are gone to be free")
    assert set(reader.snapshot().by_pid()) == set(stack.pids())
    reader.close()


def test_it_outlives_the_arbiter_and_its_code(here):
    ini = str(write_ini(here.directory, server=SERVER.replace("wsgiref", "waitress")))
    stack = here.serve(ini)
    client = stack.client()
    for _ in range(10):
        client.fetch("/", Connection="close")
    before = requests_of(stack)
    assert sum(before.values()) == 10
    upgrade(stack)
    assert requests_of(stack) == before
    reader = reader_of(stack)
    stack.send(signal.SIGKILL)
    stack.program.popen.wait(PATIENCE_S)
    # Who reads it needs no arbiter.
    assert {each.pid: each.requests for each in reader.snapshot().slots} == before
    reader.close()
    again = here.serve(ini)
    assert requests_of(again) == before
    again.call("incr", name="web", nb=1, waiting=True)
    again.wait_pids(3)
    assert set(requests_of(again)) == set(again.pids())
    assert again.stop() == 0
    here.assert_nothing_left()
