"""A scheduled watcher under the real programs: an upgrade in place, a reload and the next start don't run it twice."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from tests.support.stack import Room, RunningStack
from tests.support.waiting import wait_until

INI = """\
[watcher:job]
cmd = echo ran >> {log}
shell = true
schedule = {schedule}
schedule_timezone = UTC
{more}
[watcher:migrate]
cmd = echo migrated >> {log}
shell = true
oneshot = true
"""


def once_at(epoch: float) -> str:
    moment = datetime.fromtimestamp(epoch, UTC)
    return f"{moment.second} {moment.minute} {moment.hour} {moment.day} {moment.month} *"


def write(here: Room, schedule: str, more: str = "") -> Path:
    path = here.directory / "jobs.ini"
    path.write_text(INI.format(log=here.directory / "log", schedule=schedule, more=more))
    return path


def lines(here: Room) -> list[str]:
    log = here.directory / "log"
    return log.read_text().splitlines() if log.exists() else []


def details(stack: RunningStack) -> dict[str, object]:
    found = stack.call("status", extended=True)["watchers"]["job"]
    assert isinstance(found, dict)
    return found


def test_an_upgrade_a_reload_and_the_next_start_do_not_run_it_twice(here: Room) -> None:
    # Every second at first, so that no slow start can miss it; then once a year.
    path = write(here, "* * * * * *")
    stack = here.serve(str(path))
    wait_until(lambda: "ran" in lines(here), "a run", detail=stack.output)
    stack.call("stop", name="job", waiting=True)
    path = write(here, once_at(time.time() - 1))
    stack.call("reloadconfig", waiting=True)
    # A start of all waits for the due time, and does no work again that is done.
    stack.call("start", waiting=True)
    before = lines(here)
    assert before.count("migrated") == 1
    upcoming = details(stack)["schedule"]
    done = here.run("circus-stack", "upgrade", timeout_s=120)
    assert done.returncode == 0, done.stdout + done.stderr + stack.output()
    wait_until(lambda: details(stack)["schedule"] == upcoming, "the schedule", detail=stack.output)
    run = details(stack)["run"]
    assert isinstance(run, dict)
    assert run["result"] in ("completed", "stopped")
    stack.call("reloadconfig", waiting=True, roll=True)
    shown = here.run("circus-stack", "status").stdout
    assert "waiting" in shown
    assert "done" in shown
    assert lines(here) == before
    assert stack.stop() == 0

    stack = here.serve(str(path))
    assert details(stack)["schedule"] == upcoming
    assert details(stack)["run"] == run
    assert [each for each in lines(here) if each == "ran"] == [each for each in before if each == "ran"]
    stack.call("start", name="job", waiting=True)
    assert lines(here).count("ran") == before.count("ran") + 1


def test_mistakes_are_told_with_file_and_line(here: Room) -> None:
    path = write(here, "61 * * * *", "schedule_overlap = allow")
    done = here.run("circus-stack", "serve", str(path))
    assert done.returncode == 2
    assert f"{path}:4: [watcher:job] schedule: is not a valid schedule" in done.stderr
    assert f"{path}:6: [watcher:job] schedule_overlap" in done.stderr
