"""What depends on what, while it runs: seen in `status`, and told by events."""

from __future__ import annotations

import os
import signal

from circus_stack.client.subscriber import Subscriber
from tests.integration.serve.projects import script, write_watchers
from tests.support.stack import Room, RunningStack
from tests.support.waiting import wait_until

# Serves while a file is there; says RELOADING=1 where it is not, as sd_notify does.
TOGGLED = """\
import os
import socket
import sys
import time

told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
was = None
while True:
    now = os.path.exists(sys.argv[1])
    if now is not was:
        told.sendto(b"READY=1" if now else b"RELOADING=1", os.environ["NOTIFY_SOCKET"])
        was = now
    time.sleep(0.01)
"""


def pair(here: Room, *, more: str = "", web: str = "") -> RunningStack:
    gate = here.directory / "gate"
    gate.touch()
    text = f"""\
[watcher:web]
cmd = sleep 600
depends_on = Base
{web}
[watcher:base]
cmd = {script(here.directory, "toggled", TOGGLED)} {gate}
ready = notify
{more}
"""
    return here.serve(str(write_watchers(here.directory, text)))


def next_of(events: Subscriber, *topics: str) -> tuple[str, str]:
    """The next event of these topics, and its reason."""
    while True:
        message = events.receive(20)
        assert message is not None, topics
        if message[0].removeprefix("watcher.") in topics:
            return message[0].removeprefix("watcher."), str(message[1]["reason"])


def condition(stack: RunningStack, name: str = "web") -> str:
    return str(stack.call("status", extended=True)["watchers"][name]["detail"])


def wait_condition(stack: RunningStack, text: str) -> None:
    wait_until(lambda: condition(stack) == text, text or "nothing to tell", detail=lambda: condition(stack))


def test_a_dependency_that_becomes_unready_is_seen_until_it_serves_again(here: Room) -> None:
    stack = pair(here)
    [pid] = stack.pids("web")
    with stack.subscribe("watcher.") as events:
        assert events.join(20)
        (here.directory / "gate").unlink()
        assert next_of(events, "base.unready") == ("base.unready", "it says that it reloads")
        assert next_of(events, "web.degraded") == ("web.degraded", "base is unready")
        assert stack.call("status")["details"] == {"web": "degraded: base is unready"}
        # Circus's words are what they always were.
        assert stack.call("status")["statuses"] == {"web": "active", "base": "active"}
        assert here.run("circusctl", "status").stdout == "base: active\nweb: active\n"
        assert "web: degraded: base is unready\n" in here.run("circus-stack", "status").stdout
        assert stack.call("status", extended=True)["watchers"]["web"]["degraded_by"] == {"base": "is unready"}
        (here.directory / "gate").touch()
        assert next_of(events, "web.recovered") == ("web.recovered", "base serves again")
    wait_condition(stack, "")
    assert stack.pids("web") == [pid]
    stack.wait_line("web is degraded: base is unready")
    stack.wait_line("web is whole again: base serves again")
    assert stack.stop() == 0


def test_a_dependency_that_is_stopped_fails_or_goes_is_named_so(here: Room) -> None:
    stack = pair(here)
    stack.call("stop", name="base", waiting=True)
    wait_condition(stack, "degraded: base is stopped")
    # With its gate closed it never becomes ready.
    (here.directory / "gate").unlink()
    stack.call("set", name="base", options={"ready_timeout": 0.2, "max_failures": 1}, waiting=True)
    stack.call("start", name="base")
    wait_condition(stack, "degraded: base has failed")
    stack.call("rm", name="base", waiting=True)
    wait_condition(stack, "degraded: Base was removed")
    assert stack.call("status")["statuses"] == {"web": "active"}
    assert stack.stop() == 0


def test_a_crash_of_a_dependency_is_told_with_its_recovery(here: Room) -> None:
    stack = pair(here)
    [pid] = stack.pids("base")
    with stack.subscribe("watcher.web.") as events:
        assert events.join(20)
        os.kill(pid, signal.SIGKILL)
        assert next_of(events, "web.degraded")[1] == "base is unready"
        assert next_of(events, "web.recovered")[1] == "base serves again"
    assert stack.stop() == 0


def test_a_start_that_waits_for_what_has_failed_says_so_and_comes_up_when_it_is_mended(here: Room) -> None:
    gate = here.directory / "gate"
    text = f"""\
[watcher:web]
cmd = sleep 600
depends_on = base

[watcher:base]
cmd = {script(here.directory, "toggled", TOGGLED)} {gate}
ready = notify
ready_timeout = 0.2
max_failures = 1
"""
    stack = here.start("circus-stack", "serve", str(write_watchers(here.directory, text)))
    stack.wait_line("web waits: base has failed")
    assert stack.call("status")["details"]["web"] == "waits for base, which has failed"
    assert stack.call("status")["statuses"] == {"web": "starting", "base": "failed"}
    assert "web: waits for base, which has failed" in here.run("circus-stack", "status").stdout
    gate.touch()
    stack.call("set", name="base", options={"ready_timeout": 60}, waiting=True)
    stack.call("start", name="base")
    wait_until(lambda: stack.call("status")["statuses"]["web"] == "active", "web", detail=stack.output)
    assert condition(stack) == ""
    assert stack.stop() == 0


def test_a_rolling_reload_of_a_dependency_degrades_nobody(here: Room) -> None:
    stack = pair(here)
    with stack.subscribe("watcher.") as events:
        assert events.join(20)
        stack.call("reload", name="base", waiting=True)
        topics = []
        while not topics or topics[-1] != "watcher.base.reload":
            message = events.receive(20)
            assert message is not None, topics
            topics.append(message[0])
    assert "watcher.web.degraded" not in topics
    assert stack.stop() == 0
