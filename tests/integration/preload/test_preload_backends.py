"""Workers that were forked from one process do on every backend what workers that were started do."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from tests.integration.preload.projects import write_project, zygote_of
from tests.integration.serve.projects import BACKENDS
from tests.support.load import wrk

# wsgiref closes each connection.
KEEPING = frozenset(BACKENDS) - {"wsgiref"}


@pytest.mark.parametrize("backend", BACKENDS)
def test_forked_workers_roll_and_respawn_under_load_without_a_failed_request(here, backend):
    stack = here.serve(write_project(here.directory), "--backend", backend)
    zygote = zygote_of(stack)
    assert zygote["state"] == "ready"
    pids = stack.pids()
    assert zygote["pid"] not in pids
    assert stack.serving_pids(2) == set(pids)
    assert stack.client().fetch("/loaded")[1] == str(zygote["pid"]).encode()
    parent, session, *files = stack.client().fetch("/kin")[1].decode().split()
    assert int(parent) == stack.pid
    assert int(session) in pids
    assert files[0] == "/dev/null"

    with wrk(stack.address()[1], keep_alive=backend in KEEPING) as outcome:
        before = stack.pids()
        stack.call("reload", name="web", waiting=True)
        assert not set(before) & set(stack.pids())
        os.kill(stack.pids()[0], signal.SIGTERM)
        after = stack.wait_pids(2)
        stack.call("incr", name="web", nb=2, waiting=True)
        stack.call("decr", name="web", nb=2, waiting=True)
    assert outcome.errors == [], stack.output()
    assert outcome.requests > 0
    assert zygote_of(stack)["pid"] != zygote["pid"]
    assert not psutil.pid_exists(zygote["pid"])
    assert after

    assert stack.stop(signal.SIGINT) == 0
    here.assert_nothing_left()
