"""More workers than seats: few of them watch the socket, and no connection waits for those that cannot come."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.integration.serve.projects import write_app, write_watchers
from tests.support.load import pausing_clients, wrk
from tests.support.waiting import PATIENCE_S, wait_until

WORKERS = 7 + 2 * len(os.sched_getaffinity(0))
BUSY = '''
"""/stuck/FILE: write the pid there and block the whole process until the file is gone; else: the pid, at once."""
import os
from pathlib import Path
from time import monotonic
import gevent.monkey

sleep = gevent.monkey.get_original("time", "sleep")


def app(environ, start_response):
    if environ["PATH_INFO"].startswith("/stuck/"):
        file = Path(environ["PATH_INFO"].removeprefix("/stuck"))
        file.write_text(str(os.getpid()))
        until = monotonic() + 60
        while file.exists() and monotonic() < until:
            sleep(0.01)
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
'''
INI = """
[socket:web]
host = 127.0.0.1
port = 0

[watcher:web]
cmd = chaussette --fd $(circus.sockets.web) --backend {backend} hello:app
use_sockets = true
ready = notify
numprocesses = {workers}
preload = true
"""


TWO_SOCKETS = """
[socket:web]
host = 127.0.0.1
port = 0

[socket:aside]
path = {path}

[watcher:web]
cmd = chaussette --fd $(circus.sockets.web) --fd $(circus.sockets.aside) --backend {backend} hello:app
use_sockets = true
ready = notify
numprocesses = {workers}
preload = true
"""


def words_of(pid: int) -> memoryview:
    """The page of the gate that the worker is behind."""
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if "memfd:circus-gate" in str(fd.readlink()):
                return memoryview(fd.read_bytes()).cast("q")
    raise AssertionError(f"{pid} is behind no gate")


def seated(pid: int) -> set[int]:
    """Who has a seat at the gate of that worker."""
    words = words_of(pid)
    return set(words[256 : 256 + words[1]]) - {0}


def all_seated(stack) -> set[int]:
    """Once every seat is somebody's who lives."""

    def found() -> set[int]:
        pids = stack.pids()
        taken = seated(pids[0])
        return taken if len(taken) == words_of(pids[0])[1] and taken <= set(pids) else set()

    return wait_until(found, "every seat is taken", detail=stack.output)


@pytest.fixture(params=["gevent", "fastgevent"])
def stack(here, request):
    write_app(here.directory, BUSY)
    running = here.serve(str(write_watchers(here.directory, INI.format(backend=request.param, workers=WORKERS))))
    yield running
    assert running.stop() == 0
    here.assert_nothing_left()


def test_no_connection_waits_for_those_that_cannot_come(here, stack):
    taken = all_seated(stack)
    assert len(stack.pids()) == WORKERS
    assert len(taken) == max(4, 2 * len(os.sched_getaffinity(0)))
    # All who have a seat are killed at once, while they wait.
    for pid in taken:
        os.kill(pid, signal.SIGKILL)
    assert int(here.client(stack.address()).fetch("/")[1]) not in taken
    stack.wait_pids(WORKERS, other_than=taken)
    all_seated(stack)

    # One after the other gets stuck; a further request is answered by somebody else each time.
    files = [here.directory / f"stuck-{number}" for number in range(WORKERS - 1)]
    clients = [here.client(stack.address()) for _ in files]
    try:
        for client, file in zip(clients, files, strict=True):
            client.request("GET", f"/stuck{file}")
            wait_until(lambda file=file: file.exists() and file.read_text(), "a worker is stuck", detail=stack.output)
            assert here.client(stack.address()).fetch("/")[0].status == 200
        stuck = {file.read_text() for file in files}
        assert len(stuck) == WORKERS - 1
    finally:
        for file in files:
            file.unlink(missing_ok=True)
    assert {client.getresponse().read().decode() for client in clients} == stuck
    all_seated(stack)


def test_connections_that_stay_are_spread(here, stack):
    all_seated(stack)
    pids = set(stack.pids())
    seen: set[int] = set()

    def all_have_one() -> bool:
        seen.add(int(here.client(stack.address()).fetch("/")[1]))
        return seen == pids

    wait_until(all_have_one, "a connection with each of the workers", detail=lambda: f"{len(seen)} of {WORKERS}")


def test_seats_stay_where_requests_follow_and_change_hands_where_clients_are_silent(stack):
    first = all_seated(stack)
    answered = set()
    for _ in range(3 * WORKERS):
        with socket.create_connection(stack.address(), timeout=PATIENCE_S) as client:
            # Longer than an accept takes, shorter than what counts as silence.
            time.sleep(0.002)
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answered.add(int(b"".join(iter(lambda client=client: client.recv(4096), b"")).rpartition(b"\n")[2]))
    # Those who stand by had not to come in turn. A seat or two may be added on a busy machine.
    assert len(answered) < WORKERS

    with contextlib.ExitStack() as silent:

        def others_are_seated() -> bool:
            silent.enter_context(socket.create_connection(stack.address(), timeout=PATIENCE_S))
            return bool(seated(stack.pids()[0]) - first - answered)

        wait_until(others_are_seated, "seats change hands", detail=stack.output)


@contextlib.contextmanager
def short_of_descriptors(pids):
    """None of these processes can open anything for the length of the block."""
    before = {}
    for pid in pids:
        taken = {int(fd.name) for fd in Path(f"/proc/{pid}/fd").iterdir()}
        free = next(number for number in range(len(taken) + 1) if number not in taken)
        limits = before[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        yield
    finally:
        for pid, limits in before.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("backend", ["gevent", "fastgevent"])
def test_a_shortage_that_two_sockets_meet_one_after_the_other_leaves_nobody_deaf(here, backend):
    write_app(here.directory, BUSY)
    path = str(here.base / "aside")
    text = TWO_SOCKETS.format(backend=backend, workers=WORKERS, path=path)
    stack = here.serve(str(write_watchers(here.directory, text)))
    all_seated(stack)
    statuses: list[int] = []

    def ask(address) -> None:
        statuses.append(here.client(address).fetch("/")[0].status)

    threads = [threading.Thread(target=ask, args=(address,)) for address in (stack.address("web"), path) for _ in "12"]
    with short_of_descriptors(stack.pids()):
        for number, thread in enumerate(threads):
            thread.start()
            if number == 1:
                # The second socket meets the shortage while the first one already rests.
                wait_until(lambda: "cannot accept" in stack.output(), "the shortage", detail=stack.output)
        wait_until(lambda: stack.output().count("cannot accept") > 1, "the shortage of others", detail=stack.output)
    for thread in threads:
        thread.join(30)
    assert statuses == [200] * len(threads)
    # A connection that stays takes its worker from the others' way: each of them has to have its own before long.
    pids, seen = set(stack.pids()), set()

    def all_have_one() -> bool:
        seen.add(int(here.client(stack.address("web")).fetch("/")[1]))
        return seen == pids

    wait_until(all_have_one, "a connection with each of the workers", detail=lambda: f"{len(seen)} of {WORKERS}")
    assert stack.stop() == 0


def test_workers_come_and_go_under_load_without_a_failed_request(stack):
    all_seated(stack)
    with wrk(stack.address()[1], keep_alive=False) as load, pausing_clients(stack.address()) as pausing:
        before = stack.pids()
        stack.call("reload", name="web", waiting=True)
        assert not set(before) & set(stack.pids())
        for pid in all_seated(stack):
            os.kill(pid, signal.SIGTERM)
        stack.wait_pids(WORKERS)
        stack.call("decr", name="web", nb=WORKERS - 2, waiting=True)
        assert len(stack.pids()) == 2
        stack.call("incr", name="web", nb=WORKERS - 2, waiting=True)
    assert load.errors == []
    assert pausing.errors == []
    assert pausing.requests
