"""A worker that writes over the whole scoreboard, all the time: the arbiter goes on, and so do the other workers."""

from __future__ import annotations

import contextlib

import pytest

from tests.integration.handover.programs import upgrade
from tests.integration.serve.projects import write_app, write_watchers
from tests.support.waiting import wait_until

FORGER = '''
"""Writes the words that hurt most all over the scoreboard, from its first request on."""
import mmap
import os
import threading
import time
from chaussette.scoreboard import layout


def board():
    for fd in os.listdir("/proc/self/fd"):
        try:
            if "memfd:circus-scoreboard" in os.readlink(f"/proc/self/fd/{fd}"):
                return int(fd)
        except OSError:
            pass
    raise LookupError("no scoreboard")


def forge():
    # The header, and more slots than are ever used.
    size = layout.HEADER_BYTES + 40 * layout.SLOT_BYTES
    words = memoryview(mmap.mmap(board(), size)).cast("q")
    while True:
        for forged in (2**63 - 1, -(2**63), -1, 0, 1, 2**62 - 1):
            words[:] = memoryview(forged.to_bytes(8, "little", signed=True) * len(words)).cast("q")
            time.sleep(0.001)


def app(environ, start_response):
    if environ["PATH_INFO"] == "/forge":
        threading.Thread(target=forge, daemon=True).start()
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
'''
INI = """
[socket:web]
host = 127.0.0.1
port = 0

[socket:forger]
host = 127.0.0.1
port = 0

[watcher:web]
cmd = chaussette --fd $(circus.sockets.web) --backend {backend} hello:app
use_sockets = true
ready = notify
numprocesses = 2

[watcher:forger]
cmd = chaussette --fd $(circus.sockets.forger) --backend wsgiref forger:app
use_sockets = true
ready = notify
"""


@pytest.mark.parametrize("backend", ["fastgevent", "waitress"])
def test_the_stack_goes_on(here, backend):
    write_app(here.directory)
    write_app(here.directory, FORGER, "forger")
    stack = here.serve(str(write_watchers(here.directory, INI.format(backend=backend))))
    forger = stack.pids("forger")
    assert here.client(stack.address("forger")).fetch("/forge")[1] == str(forger[0]).encode()

    def go_on() -> None:
        for _ in range(3):
            infos = stack.call("stats", name="web")["info"]
            assert set(map(int, infos)) >= set(stack.pids("web"))
            assert {each["pid"] for each in infos.values()} >= set(stack.pids("web"))
        before = set(stack.pids("web"))
        stack.call("reload", name="web", waiting=True)
        assert not before & set(stack.pids("web"))
        stack.call("incr", name="web", nb=3, waiting=True)
        assert len(stack.pids("web")) == 5
        assert here.client(stack.address("web")).fetch("/")[0].status == 200
        stack.call("decr", name="web", nb=3, waiting=True)
        wait_until(lambda: len(stack.pids("web")) == 2, "two workers", detail=stack.output)

    go_on()
    upgrade(stack)
    assert stack.pids("forger") == forger
    go_on()
    assert "Traceback" not in stack.output()
    assert "a new scoreboard is made" not in stack.output()
    with contextlib.suppress(ConnectionError):
        here.client(stack.address("forger")).fetch("/")
    assert stack.pids("forger") == forger
    assert stack.stop() == 0
    here.assert_nothing_left()
