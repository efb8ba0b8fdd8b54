"""The live channel of a real console: figures, events and lines, by websocket and by polling alone; and who hears
nothing."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import socketio

from tests.integration.web.console import Console, Visitor, start_console
from tests.integration.web.listener import Listener
from tests.support.stack import Room, RunningStack
from tests.support.waiting import PATIENCE_S, wait_until

_INI = """
[circus]
statsd = true

[watcher:job]
cmd = sleep 1000
numprocesses = 2
copy_env = true
"""


@pytest.fixture(scope="module")
def live_stack(here: Room) -> RunningStack:
    ini = here.directory / "live.ini"
    ini.write_text(_INI)
    stack = here.serve(str(ini))
    stack.wait_pids(2, watcher="job")
    return stack


@pytest.fixture(scope="module")
def console(here: Room, live_stack: RunningStack) -> Console:
    return start_console(here, live_stack, "--state-dir", str(here.directory / "live"))


@pytest.fixture(scope="module")
def viewer(here: Room, console: Console) -> Visitor:
    done = here.run("circus-stack", "token", "add", "viewer", "--state-dir", str(here.directory / "live"))
    visitor = console.visitor()
    visitor.headers["Authorization"] = f"Bearer {done.stdout.strip()}"
    return visitor


@pytest.fixture(params=["websocket", "polling"])
def listener(request: pytest.FixtureRequest, console: Console, viewer: Visitor) -> Iterator[Listener]:
    made = Listener(console, viewer.headers, [request.param])
    assert made.client.transport() == request.param
    yield made
    made.client.disconnect()


def test_figures_of_watchers_and_of_processes(listener: Listener, live_stack: RunningStack) -> None:
    greeting = listener.wait("hello", lambda _: True, "a greeting")
    assert (greeting["role"], greeting["stack"]) == ("view", live_stack.found().record.name)
    assert listener.follow(stats=True, processes=["JOB"]) == {"ok": True}
    found = listener.wait("stats", lambda each: each["watchers"]["job"]["processes"] == 2, "the sums")
    assert found["watchers"]["job"]["rss"] > 0
    assert "stack" in found
    pids = {str(pid) for pid in live_stack.pids("job")}
    listener.wait("processes", lambda each: set(each["processes"]) == pids, "each process")
    listener.wait("state", lambda each: each["stats"] == each["arbiter"] == "up", "that all is well")
    before = len(listener.heard("stats"))
    wait_until(lambda: len(listener.heard("stats")) >= before + 2, "the next ticks")

    [statistics] = live_stack.pids("circusd-stats")
    os.kill(statistics, signal.SIGSTOP)
    try:
        listener.wait("state", lambda each: each["stats"] == "late", "that no figures come")
    finally:
        os.kill(statistics, signal.SIGCONT)
    wait_until(lambda: listener.heard("state")[-1]["stats"] == "up", "that they come again")


def test_events_as_they_happen_and_those_before(listener: Listener, live_stack: RunningStack) -> None:
    assert listener.follow(events={"since": -1}) == {"ok": True}
    listener.wait("state", lambda each: each["arbiter"] == "up", "the arbiter")
    live_stack.call("set", name="job", options={"priority": len(listener.client.transport())})
    found = listener.wait("event", lambda each: each["topic"] == "updated", "the event")
    assert found["watcher"] == "job"
    listener.follow()
    listener.follow(events={"since": found["seq"] - 1})
    listener.wait("events", lambda each: each and each[0]["seq"] == found["seq"], "what is remembered")
    # The stack had begun before the console, which says so to who asked for all.
    told = listener.heard("missing")
    assert len(told) == 1
    assert 0 < told[0]["events_through"] < found["seq"]


def test_lines_of_one_watcher(listener: Listener, live_stack: RunningStack) -> None:
    name = f"talk {listener.client.transport()}"
    cmd = "sh -c 'echo first; echo wrong >&2; exec sleep 1000'"
    live_stack.call("add", name=name, cmd=cmd, options={"copy_env": True}, start=True, waiting=True)
    live_stack.call("add", name=f"{name} too", cmd="sh -c 'while echo other; do sleep 1; done'", start=True)
    try:
        wait_until(lambda: len(live_stack.call("logs", name=name)["lines"]) == 2, "the first lines")
        assert listener.follow(logs={"watcher": name}) == {"ok": True}
        listener.wait("logs", lambda each: each.get("is_first"), "the last lines")
        assert sorted(listener.lines()) == ["first", "wrong"]
        [first] = live_stack.pids(name)
        live_stack.call("incr", name=name, waiting=True)
        wait_until(lambda: len(listener.lines()) == 4, "the lines of the next one", detail=listener.lines)

        listener.forget("logs")
        assert listener.follow(logs={"watcher": name, "stream": "stderr", "pid": first}) == {"ok": True}
        listener.wait("logs", lambda each: each.get("is_first"), "the last line of that stream")
        assert listener.lines() == ["wrong"]
        listener.forget("logs")
        assert listener.follow(logs={"watcher": name, "stream": "stderr", "lines": 0}) == {"ok": True}
        listener.wait("logs", lambda each: each.get("is_first"), "the answer")
        live_stack.call("incr", name=name, waiting=True)
        wait_until(lambda: listener.lines() == ["wrong"], "what follows on that stream", detail=listener.lines)
    finally:
        live_stack.call("rm", name=f"{name} too", waiting=True)
        live_stack.call("rm", name=name, waiting=True)


@pytest.mark.parametrize(
    "wanted",
    [
        None,
        5,
        [],
        "x",
        {"stats": "yes"},
        {"more": 1},
        {"logs": {"lines": 10**9}},
        {"logs": {"stream": "stdin"}},
        {"logs": {"pid": -1}},
        {"processes": ["x"] * 21},
        {"processes": [""]},
    ],
)
def test_what_nobody_can_want_is_refused(console: Console, viewer: Visitor, wanted: Any) -> None:
    listener = Listener(console, viewer.headers, ["websocket"])
    try:
        found = listener.client.call("follow", wanted, timeout=PATIENCE_S)
        assert found["ok"] is False
        assert found["reason"]
    finally:
        listener.client.disconnect()


def test_many_lines_at_once_are_told_or_counted(console: Console, viewer: Visitor, live_stack: RunningStack) -> None:
    listener = Listener(console, viewer.headers, ["websocket"])
    try:
        assert listener.follow(logs={"watcher": "flood", "lines": 0}) == {"ok": True}
        listener.wait("logs", lambda each: each.get("is_first"), "the answer")
        script = "sh -c 'sleep 1; seq 1 20000; exec sleep 1000'"
        live_stack.call("add", name="flood", cmd=script, options={"copy_env": True}, start=True)

        def counted() -> int:
            return len(listener.lines()) + sum(each["dropped"] for each in listener.heard("logs"))

        wait_until(lambda: listener.lines()[-1:] == ["20000"], "the last line", detail=counted)
        assert counted() + sum(each["dropped"] for each in listener.heard("late")) >= 10_000
        numbers = [int(each) for each in listener.lines()]
        assert numbers == sorted(set(numbers))
    finally:
        listener.client.disconnect()
        live_stack.call("rm", name="flood", waiting=True)


def test_strangers_hear_nothing(console: Console) -> None:
    url = f"http://127.0.0.1:{console.port}"
    for transports in (["polling"], ["websocket"]):
        client = socketio.Client(reconnection=False)
        with pytest.raises(socketio.exceptions.ConnectionError):
            client.connect(url, transports=transports, wait_timeout=PATIENCE_S)
    status, _, _ = console.visitor().ask("GET", "/socket.io/?EIO=4&transport=polling")
    assert status == 401


def test_a_page_of_another_site_cannot_listen(console: Console, viewer: Visitor) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        Listener(console, {**viewer.headers, "Origin": "http://evil.example"}, ["websocket"])


def test_who_is_logged_out_hears_no_more(here: Room, console: Console) -> None:
    words = ("console", "--url", "http://x", "--state-dir", str(here.directory / "live"))
    link = here.run("circus-stack", *words).stdout.strip()
    browser = console.visitor()
    assert browser.log_in(link=link.partition("link=")[2])[0] == 200
    listener = Listener(console, {**browser.headers, "X-CSRF-Token": browser.csrf}, ["websocket"])
    assert listener.follow(stats=True) == {"ok": True}
    assert browser.ask("DELETE", "/api/v1/session")[0] == 204
    wait_until(lambda: not listener.client.connected, "the end of the connection")


def test_an_arbiter_that_comes_back_is_heard_again(here: Room) -> None:
    ini = here.directory / "again.ini"
    ini.write_text("[watcher:job]\ncmd = sleep 1000\n")
    place = str(here.directory / "again")
    stack = here.serve(str(ini))
    own = start_console(here, stack, "--state-dir", place)
    token = here.run("circus-stack", "token", "add", "t", "--state-dir", place).stdout.strip()
    listener = Listener(own, {"Host": f"127.0.0.1:{own.port}", "Authorization": f"Bearer {token}"}, ["websocket"])
    try:
        listener.follow(events={})
        listener.wait("state", lambda each: each["arbiter"] == "up", "the arbiter")
        assert stack.stop() == 0
        listener.wait("state", lambda each: each["arbiter"] == "lost", "that it is gone")
        listener.told.clear()
        again = here.serve(str(ini))
        listener.wait("state", lambda each: each["arbiter"] == "up", "that it is back")
        again.call("set", name="job", options={"priority": 3})
        listener.wait("event", lambda each: each["topic"] == "updated", "what it does")
        assert again.stop() == 0
    finally:
        listener.client.disconnect()
