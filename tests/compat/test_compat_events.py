"""The same operations publish the same topics on both sides, in the same order, in two frames, with Circus's keys."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.compat.compare import deviations
from tests.compat.daemons import Daemon, on_both, start
from tests.compat.differences import intended
from tests.compat.recorder import Message, Recorder
from tests.support.stack import Room
from tests.support.waiting import wait_until

INI = """
[watcher:one]
cmd = sleep 600
ready = delay:0.02

[watcher:Big Two]
cmd = sleep 600
numprocesses = 2
ready = delay:0.02

[watcher:hup]
cmd = sh -c 'trap "" HUP; exec sleep 600'
send_hup = True
ready = delay:0.02

[watcher:once]
cmd = sleep 600
respawn = False

[watcher:hooked]
cmd = sleep 600
ready = delay:0.02
autostart = False
hooks.before_start = hooks_of_test.good
hooks.after_start = hooks_of_test.good
hooks.before_spawn = hooks_of_test.good
hooks.after_spawn = hooks_of_test.good
hooks.before_signal = hooks_of_test.bad
hooks.after_signal = hooks_of_test.good
hooks.before_stop = hooks_of_test.bad,true
hooks.after_stop = hooks_of_test.good
hooks.before_reap = hooks_of_test.good
hooks.after_reap = hooks_of_test.good

[watcher:refused]
cmd = sleep 600
autostart = False
hooks.before_start = hooks_of_test.no

[watcher:held]
cmd = sleep 600
ready = delay:0.02
graceful_timeout = 1
hooks.before_signal = hooks_of_test.no
hooks.after_signal = hooks_of_test.good

[env:hooked,refused,held]
PYTHONPATH = @hooks@
"""
HOOKS = """\
def good(watcher, arbiter, hook_name, **kwargs):
    return True


def no(watcher, arbiter, hook_name, **kwargs):
    return False


def bad(watcher, arbiter, hook_name, **kwargs):
    raise ValueError("bad luck")
"""
# Circus's topics; ours has more.
TOPICS = {
    *("add", "remove", "start", "stop", "reload", "updated", "spawn", "kill", "reap"),
    *("hook_success", "hook_failure"),
}


def ask(command: str, /, **properties: Any) -> Callable[[Daemon], object]:
    return lambda daemon: daemon.call(command, **properties, waiting=True)


def kill_first(watcher: str, signum: int) -> Callable[[Daemon], object]:
    """From outside, as anybody may; over when another has its place, or none is left."""

    def kill(daemon: Daemon) -> None:
        pid = daemon.pids(watcher)[0]
        os.kill(pid, signum)
        wait_until(lambda: pid not in daemon.pids(watcher), f"the end of {pid}")
        wait_until(lambda: daemon.pids(watcher) or watcher == "once", "another in its place")

    return kill


def signal_first(watcher: str) -> Callable[[Daemon], object]:
    """One that ends it; over when another has its place."""

    def ask_to_end(daemon: Daemon) -> None:
        before = daemon.pids(watcher)
        daemon.call("signal", name=watcher, signum="TERM", waiting=True)
        wait_until(lambda: (now := daemon.pids(watcher)) and now != before, "another in its place")

    return ask_to_end


OPERATIONS: dict[str, Callable[[Daemon], object]] = {
    "stop": ask("stop", name="one"),
    "stop of a stopped one": ask("stop", name="one"),
    "start": ask("start", name="one"),
    "start of a running one": ask("start", name="one"),
    "restart": ask("restart", name="one"),
    "incr": ask("incr", name="one"),
    "decr": ask("decr", name="one"),
    "reload": ask("reload", name="one"),
    "sequential reload": ask("reload", name="one", sequential=True),
    "reload that terminates": ask("reload", name="one", graceful=False),
    "reload by HUP": ask("reload", name="hup"),
    "kill": ask("kill", name="one"),
    "a signal that ends": signal_first("one"),
    "a signal that does not": ask("signal", name="one", signum="CONT"),
    "kill -9 from outside": kill_first("one", signal.SIGKILL),
    "stop of two": ask("stop", name="big two"),
    "start of two": ask("start", name="big two"),
    "reload of two": ask("reload", name="big two"),
    "an end without a respawn": kill_first("once", signal.SIGTERM),
    "set of a number": ask("set", name="one", options={"numprocesses": 2}),
    "set of a time": ask("set", name="one", options={"graceful_timeout": 2}),
    "set of two": ask("set", name="one", options={"graceful_timeout": 3, "stop_children": True}),
    "set of a command": ask("set", name="one", options={"cmd": "sleep 700"}),
    "add": ask("add", name="New", cmd="sleep 600"),
    "add and start": ask("add", name="New Too", cmd="sleep 600", start=True),
    "rm": ask("rm", name="new too"),
    "rm of a stopped one": ask("rm", name="new"),
    "start with hooks": ask("start", name="hooked"),
    "a signal with hooks": ask("signal", name="hooked", signum="CONT"),
    "stop with hooks": ask("stop", name="hooked"),
    "start that a hook refuses": ask("start", name="refused"),
    "a signal that a hook holds back": ask("signal", name="held", signum="CONT"),
}
# Circus forgets to tell these ends.
UNTOLD = {"decr", "reload", "reload of two", "kill", "set of a command"}


@pytest.fixture(scope="module")
def events(place: Room) -> Iterator[dict[str, dict[str, list[Message]]]]:
    """What each side published, by side and operation; the last are those of `quit`."""
    hooks = place.directory / "hooks"
    hooks.mkdir()
    (hooks / "hooks_of_test.py").write_text(HOOKS)

    def run(side: str) -> dict[str, list[Message]]:
        daemon = start(place, side, INI, hooks=str(hooks))
        try:
            recorder = Recorder(daemon)
        except BaseException:
            daemon.close()
            raise
        try:
            seen = {title: recorder.of(operation) for title, operation in OPERATIONS.items()}
            for watcher in ("one", "big two", "hup"):
                recorder.of(ask("stop", name=watcher))
            daemon.call("quit")
            return seen | {"quit": recorder.until("watcher.barrier.stop")}
        finally:
            recorder.close()
            daemon.close()

    yield on_both(run)


def known(messages: list[Message]) -> list[Message]:
    return [(topic, values) for topic, values in messages if topic.rpartition(".")[2] in TOPICS]


def named(message: Message) -> str:
    topic, values = message
    return f"{topic} {values.get('name', '')}"


@pytest.mark.parametrize("title", [*OPERATIONS, "quit"])
def test_operation_publishes_what_circus_publishes(title: str, events) -> None:
    theirs, ours = known(events["theirs"][title]), known(events["ours"][title])
    if title in UNTOLD and intended("every end is told"):
        theirs, ours = ([each for each in side if not each[0].endswith(".reap")] for side in (theirs, ours))

    if title == "set of two" and intended("`updated`"):
        theirs = theirs[:-1]
    if title in ("start with hooks", "stop with hooks") and intended("`after_spawn` and `after_signal`"):
        theirs, ours = sorted(theirs, key=named), sorted(ours, key=named)
    if title == "a signal that a hook holds back" and intended("a signal that a hook holds back"):
        theirs = [each for each in theirs if each[1].get("name") != "after_signal"]
    if title == "quit":
        # Watchers end side by side.
        theirs, ours = ([each for each in side if ".barrier." in each[0]] for side in (theirs, ours))

    assert [topic for topic, _ in ours] == [topic for topic, _ in theirs]
    for (topic, their), (_, our) in zip(theirs, ours, strict=True):
        assert [str(each) for each in deviations(their, our)] == [], topic


@pytest.mark.parametrize("title", OPERATIONS)
def test_each_process_that_ends_is_told_once(title: str, events) -> None:
    """Of every process that was spawned and is gone in the end there is one `reap`."""
    messages = [each for name in OPERATIONS for each in events["ours"][name]]
    reaped = [values["process_pid"] for topic, values in messages if topic.endswith(".reap")]

    assert len(reaped) == len(set(reaped))
    killed = {values["process_pid"] for topic, values in events["ours"][title] if topic.endswith(".kill")}
    assert killed <= set(reaped)


def test_ours_are_numbered_without_a_gap(events) -> None:
    numbers = [values["seq"] for title in OPERATIONS for _, values in events["ours"][title]]

    assert numbers == sorted(numbers)
    assert len(numbers) == len(set(numbers))
