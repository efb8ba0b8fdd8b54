"""A worker that cannot accept for want of descriptors: whoever shares its socket serves what had woken it, and so does
the worker itself once it can again. It waits meanwhile, and does not spin."""

from __future__ import annotations

import resource
import socket
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.chaussette.test_exclusive_watch import APP, answer, ask, begin, is_watched_exclusively
from tests.support.processes import Program
from tests.support.waiting import wait_until


def has_again(worker: Program) -> None:
    """Let it have descriptors again."""
    hard = resource.prlimit(worker.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(worker.pid, resource.RLIMIT_NOFILE, (hard, hard))


def open_connections(pid: int) -> list[Any]:
    return [each for each in psutil.Process(pid).net_connections("tcp") if each.status != psutil.CONN_LISTEN]


@pytest.mark.parametrize("backend", ["gevent", "fastgevent"])
def test_who_cannot_accept_wakes_another(backend, supervisor, listener):
    workers = {
        str(each.pid): each
        for each in (supervisor.start_ready("--backend", backend, fds=[listener.fileno()], app=APP) for _ in range(2))
    }
    inode = Path(f"/proc/self/fd/{listener.fileno()}").stat().st_ino
    for worker in workers.values():
        wait_until(lambda pid=worker.pid: is_watched_exclusively(pid, inode), "its watch is exclusive")
    client, pid = ask(listener.getsockname(), "/full")
    client.close()
    short = workers[pid]
    wait_until(lambda: not open_connections(short.pid), "its connection is closed")
    held = []

    def could_not_accept() -> bool:
        # Each is answered. Whoever keeps one goes to the end of the line, so that the short one has his turns.
        held.append(ask(listener.getsockname(), connection="keep-alive")[0])
        return "cannot accept: Too many open files" in short.output()

    wait_until(could_not_accept, "the worker is woken and cannot accept", detail=short.output)
    has_again(short)
    for client in held:
        client.close()
    wait_until(lambda: is_watched_exclusively(short.pid, inode), "it watches again")
    assert "Traceback" not in short.output()


@pytest.mark.parametrize("backend", ["wsgiref", "gevent", "fastgevent", "eventlet"])
def test_who_is_alone_waits_and_goes_on(backend, supervisor, listener):
    worker = supervisor.start_ready("--backend", backend, fds=[listener.fileno()], app=APP)
    address = listener.getsockname()
    ask(address, "/full")[0].close()
    wait_until(lambda: not open_connections(worker.pid), "its connection is closed")
    with socket.create_connection(address):
        wait_until(lambda: open_connections(worker.pid), "it has no descriptor left")
        client = begin(address, "/")
        worker.wait_output("cannot accept: Too many open files")
        has_again(worker)
        assert answer(client) == str(worker.pid)
        client.close()
    # Once for each half second, not for each turn of its loop.
    assert worker.output().count("cannot accept") < 20
