"""Workers that have served their share are replaced under load, and not one request fails."""

from __future__ import annotations

import signal

import pytest

from tests.integration.limits.events_seen import seen_until
from tests.integration.serve.projects import BACKENDS, SERVER, script, write_app, write_ini, write_watchers
from tests.support.load import pausing_clients, wrk
from tests.support.waiting import PATIENCE_S, wait_until

LIMITED = SERVER + "max_requests = 20\nmax_requests_jitter = 10\n"

# Says that it serves, and asks for a successor when it gets SIGUSR1.
ASKING = """\
import os, signal, socket

def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(text.encode(), os.environ["NOTIFY_SOCKET"])

signal.signal(signal.SIGUSR1, lambda *_: say("X_CIRCUS_REPLACE=I am\\x1b[1m tired" + "!" * 300))
say("READY=1")
while True:
    signal.pause()
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_request_fails_while_workers_reach_their_number(here, backend):
    stack = here.serve(str(write_ini(here.directory, server=LIMITED)), "--backend", backend)
    first = stack.pids()
    with stack.subscribe("watcher.web.replace") as events:
        assert events.join(PATIENCE_S)
        with wrk(stack.address()[1], keep_alive=backend != "wsgiref") as load, pausing_clients(stack.address()) as idle:
            told = seen_until(events, lambda found: len(found) >= 4, timeout_s=60)
        assert load.errors == []
        assert idle.errors == []
        assert load.requests > 4 * 20
    assert {each["process_pid"] for _, each in told} >= set(first)
    assert all(each["reason"].endswith(" requests") for _, each in told)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_any_program_may_ask_and_its_successor_serves_first(here):
    cmd = script(here.directory, "asking", ASKING)
    stack = here.serve(str(write_watchers(here.directory, f"[watcher:w]\ncmd = {cmd}\nready = notify\n")))
    [old] = stack.pids("w")
    with stack.subscribe("watcher.w.") as events:
        assert events.join(PATIENCE_S)
        stack.call("signal", name="w", pid=old, signum=signal.SIGUSR1)
        [new] = stack.wait_pids(1, other_than=[old], watcher="w")
        told = seen_until(events, lambda found: "reap" in found)
    # It may have said STOPPING=1, or not come to it.
    assert [topic for topic, _ in told if topic != "unready"] == ["replace", "spawn", "ready", "kill", "reap"]
    replace = told[0][1]
    assert replace["process_pid"] == old != new
    # What would move a terminal's cursor is left out, and a novel is cut.
    assert replace["reason"] == "I am[1m tired" + "!" * (200 - len("I am\x1b[1m tired"))
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_successor_that_fails_leaves_the_old_worker_serving(here):
    stack = here.serve(str(write_ini(here.directory, server=LIMITED.replace("workers = 2", "workers = 1"))))
    [old] = stack.pids()
    write_app(here.directory, "import no_such_module_of_ours\n")
    client = stack.client()
    for _ in range(40):
        assert client.fetch("/")[1] == str(old).encode()
    stack.wait_line("no_such_module_of_ours")
    for _ in range(40):
        assert client.fetch("/")[1] == str(old).encode()
    assert old in stack.pids()
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_another_number_is_set_while_the_stack_runs(here):
    stack = here.serve(str(write_ini(here.directory)))
    first = stack.pids()
    stack.call("set", name="web", options={"max_requests": 5}, waiting=True)
    second = stack.wait_pids(2, other_than=first)
    client = stack.client()
    for _ in range(30):
        assert client.fetch("/")[0].status == 200
    wait_until(lambda: set(stack.pids()) - set(second), "a successor", detail=stack.output)
    assert stack.call("options", name="web")["options"]["max_requests"] == 5
    assert stack.stop() == 0
    here.assert_nothing_left()
