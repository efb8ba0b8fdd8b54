"""A real circusd whose watchers are added, changed, removed and saved by its clients."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from circus_stack.client.sync import Client
from circus_stack.errors import CommandError
from tests.support.stack import Room, RunningStack, room
from tests.support.waiting import wait_until

INI = """\
[circus]
check_delay = 1
endpoint = ipc://{base}/c
pubsub_endpoint = ipc://{base}/e
stats_endpoint = ipc://{base}/s
statsd = false

# kept as it is
[watcher:web]
cmd = sleep 1000
numprocesses = 2

[watcher:other]
cmd = sleep 2000
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Room]:
    with room(tmp_path) as made:
        yield made


@pytest.fixture
def stack(place: Room) -> RunningStack:
    ini(place).write_text(INI.format(base=place.base))
    return place.circusd(str(ini(place)))


def ini(place: Room) -> Path:
    return place.directory / "stack.ini"


def command_lines(stack: RunningStack, watcher: str) -> list[str]:
    return [" ".join(psutil.Process(pid).cmdline()) for pid in stack.pids(watcher)]


def changes(stack: RunningStack, **properties: Any) -> list[str]:
    found = stack.call("reloadconfig", **properties)["changes"]
    assert isinstance(found, list)
    return found


def test_a_watcher_comes_and_goes(stack: RunningStack) -> None:
    reply = stack.call("add", name="new", cmd="sleep", args="3000", start=True, waiting=True, options={"priority": 3})
    assert reply["started"] == stack.pids("new")
    assert command_lines(stack, "new") == ["sleep 3000"]
    with pytest.raises(CommandError, match="'NEW' already exist"):
        stack.call("add", name="NEW", cmd="x")

    stack.call("rm", name="new", waiting=True)

    assert stack.call("list")["watchers"] == ["other", "web"]
    assert not psutil.pid_exists(reply["started"][0])


def test_processes_that_nobody_stops_live_on_after_the_end(stack: RunningStack) -> None:
    [pid] = stack.pids("other")
    left = psutil.Process(pid)

    stack.call("rm", name="other", nostop=True, waiting=True)
    assert stack.call("list")["watchers"] == ["web"]
    try:
        assert stack.stop() == 0
        assert left.status() == psutil.STATUS_SLEEPING
    finally:
        left.kill()
        wait_until(lambda: not left.is_running() or left.status() == psutil.STATUS_ZOMBIE, "the end of the process")


def test_set_applies_scales_or_rolls(stack: RunningStack) -> None:
    before = stack.pids()

    stack.call("set", name="web", options={"graceful_timeout": 3, "numprocesses": 3}, waiting=True)
    assert set(before) < set(stack.pids())
    stack.call("set", name="web", options={"args": "1", "env": {"A": "1"}}, waiting=True)

    assert set(stack.pids()).isdisjoint(before)
    assert command_lines(stack, "web") == ["sleep 1000 1"] * 3
    assert stack.call("get", name="web", keys=["numprocesses", "graceful_timeout", "env"])["options"] == {
        "numprocesses": 3,
        "graceful_timeout": 3.0,
        "env": {"A": "1"},
    }


def test_set_that_fails_changes_nothing_and_is_told(stack: RunningStack) -> None:
    before = stack.wait_pids(2)
    with stack.subscribe("watcher.web.job_failed") as events:
        events.join(20)
        reply = stack.call("set", name="web", options={"numprocesses": 5, "cmd": "/nonexistent/program"})
        message = events.receive(20)

    assert message is not None
    assert (message[1]["job"], message[1]["command"]) == (reply["job"], "set")
    assert "/nonexistent/program" in message[1]["error"]
    [job] = stack.call("jobs", id=reply["job"])["jobs"]
    assert (job["state"], job["watchers"], job["error"]) == ("failed", ["web"], message[1]["error"])
    assert stack.pids() == before
    assert stack.call("get", name="web", keys=["cmd", "numprocesses"])["options"] == {
        "cmd": "sleep 1000",
        "numprocesses": 2,
    }


def test_runtime_changes_survive_a_file_that_is_read_again(place: Room, stack: RunningStack) -> None:
    stack.call("set", name="web", options={"numprocesses": 3, "graceful_timeout": 3}, waiting=True)
    stack.call("add", name="new", cmd="sleep 3000")
    stack.call("rm", name="other", waiting=True)
    stack.call("incr", name="web", waiting=True)
    kept = [
        "= [watcher:new] stays: it was added at run time",
        "= [watcher:other] stays away: it was removed at run time",
        "= [watcher:web] numprocesses: 2 -> 4 (set at run time, stays)",
        "= [watcher:web] graceful_timeout: 30.0 -> 3.0 (set at run time, stays)",
    ]
    assert changes(stack, dry_run=True) == kept
    assert changes(stack, waiting=True) == kept

    file = ini(place)
    file.write_text(file.read_text().replace("numprocesses = 2", "numprocesses = 1").replace("2000", "2001"))
    changes(stack, waiting=True)

    assert stack.call("list")["watchers"] == ["new", "other", "web"]
    wait_until(lambda: len(stack.pids()) == 1, "the end of what is too many")
    assert command_lines(stack, "other") == ["sleep 2001"]
    assert stack.call("get", name="web", keys=["graceful_timeout"])["options"] == {"graceful_timeout": 3.0}


def test_save_writes_them_into_the_file(place: Room, stack: RunningStack) -> None:
    file = ini(place)
    file.chmod(0o640)
    stack.call("set", name="web", options={"numprocesses": 3}, waiting=True)
    stack.call("add", name="new", cmd="sleep 3000")
    stack.call("rm", name="other", waiting=True)

    reply = stack.call("save")

    assert reply["saved"] == str(file)
    assert len(reply["changes"]) == 3
    text = file.read_text()
    assert "# kept as it is\n[watcher:web]\ncmd = sleep 1000\nnumprocesses = 3" in text
    assert "[watcher:new]" in text
    assert "[watcher:other]" not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [each.name for each in file.parent.iterdir() if each.name.startswith(".")] == []
    assert stack.call("save")["changes"] == []
    assert changes(stack, dry_run=True) == []


def test_save_tells_which_file_it_wrote(place: Room) -> None:
    more = place.directory / "more.ini"
    more.write_text("[watcher:extra]\ncmd = sleep 3000\n")
    ini(place).write_text(INI.format(base=place.base).replace("[circus]", "[circus]\ninclude = more.ini"))
    stack = place.circusd(str(ini(place)))
    stack.call("set", name="extra", options={"graceful_timeout": 4}, waiting=True)

    reply = stack.call("save")

    assert (reply["saved"], reply["files"]) == (str(ini(place)), [str(more)])
    assert "graceful_timeout = 4" in more.read_text()


def test_save_leaves_a_file_alone_that_somebody_has_changed(place: Room, stack: RunningStack) -> None:
    file = ini(place)
    file.write_text(file.read_text() + "graceful_timeout = 9\n")
    stack.call("set", name="web", options={"numprocesses": 3}, waiting=True)

    with pytest.raises(CommandError, match="changed since it was read"):
        stack.call("save")
    assert "numprocesses = 2" in file.read_text()


def test_two_changes_at_once_both_count(stack: RunningStack) -> None:
    first = stack.call("set", name="web", options={"env": {"A": "1"}})
    stack.call("set", name="web", options={"graceful_timeout": 4}, waiting=True)
    wait_until(lambda: stack.call("jobs", id=first["job"])["jobs"][0]["ended"], "the first change")

    assert stack.call("get", name="web", keys=["env", "graceful_timeout"])["options"] == {
        "env": {"A": "1"},
        "graceful_timeout": 4.0,
    }


def test_a_module_that_hangs_while_it_is_imported_holds_up_nothing(place: Room, stack: RunningStack) -> None:
    (place.base / "hanging.py").write_text("import time\ntime.sleep(600)\n")
    options = {
        "hooks.before_start": "hanging.hook",
        "hook_timeout": "0.5",
        "env": {"PYTHONPATH": str(place.base)},
    }
    for name in ("first", "second"):
        with pytest.raises(CommandError, match=r"hooks: .*timed out after 0\.5 s"):
            stack.call("add", name=name, cmd="sleep 3000", options=options)
    assert stack.call("list")["watchers"] == ["other", "web"]
    stack.call("quit")
    assert stack.program.wait_exit() == 0


def test_a_module_that_hangs_while_the_file_is_read_again_holds_up_no_end(place: Room, stack: RunningStack) -> None:
    (place.base / "slow_hooks.py").write_text(
        f"import pathlib, time\npathlib.Path({str(place.base / 'imported')!r}).touch()\ntime.sleep(600)\n"
    )
    with ini(place).open("a") as file:
        file.write(
            f"\n[watcher:slow]\ncmd = sleep 3000\nhooks.before_start = slow_hooks.hook\nenv = PYTHONPATH={place.base}\n"
        )
    with Client(f"ipc://{place.base}/c") as client:
        for _ in range(2):
            client.begin("reloadconfig", {})
        wait_until((place.base / "imported").exists, "the import has begun")
        client.call("quit")
    assert stack.program.wait_exit() == 0
