"""Scheduled watchers on real processes, by schedules that are due within seconds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from circus_stack.arbiter.run_book import Entry, RunBook
from circus_stack.arbiter.runs import RunResult
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Overlap
from circus_stack.events import (
    ProcessSpawned,
    RunCompleted,
    RunFailed,
    RunSkipped,
    RunTimedOut,
    WatcherFailed,
    WatcherStarted,
)
from circus_stack.states import WatcherState
from tests.integration.arbiter.stage import Stage, play, stack_of

EVERY_SECOND = "* * * * * *"


def job(script: str, schedule: str = EVERY_SECOND, **options: Any) -> WatcherConfig:
    given = {"shell": True, "copy_env": True, "schedule_timezone": "UTC", "backoff_initial": 0.01, **options}
    return WatcherConfig(name="job", cmd=script, schedule=schedule, **given)


def once_at(epoch: float) -> str:
    """A schedule that is due at that second, and then not for a year."""
    moment = datetime.fromtimestamp(epoch, UTC)
    return f"{moment.second} {moment.minute} {moment.hour} {moment.day} {moment.month} *"


def daily_at(epoch: float) -> str:
    moment = datetime.fromtimestamp(epoch, UTC)
    return f"{moment.second} {moment.minute} {moment.hour} * * *"


def spawned(on: Stage) -> int:
    return len(on.of(ProcessSpawned, "job"))


def next_at(on: Stage) -> float | None:
    view = on.arbiter.schedule("job")
    assert view is not None
    return view.next_at


def test_it_runs_whenever_it_is_due_and_waits_in_between(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: len(on.of(RunCompleted)) >= 2, "two runs")
        await on.wait(lambda: on.arbiter.status("job") is WatcherState.STOPPED, "the pause")
        upcoming = next_at(on)
        assert upcoming is not None
        assert upcoming <= time.time() + 2
        run = on.arbiter.last_run("job")
        assert run is not None
        assert (run.result, run.exit_code) == (RunResult.COMPLETED, 0)
        await on.arbiter.stop(["job"])
        before = spawned(on)
        assert next_at(on) is None
        await on.wait(lambda: time.time() > upcoming + 1.5, "a due time to pass")
        assert spawned(on) == before

    play(stack_of(job("true")), tmp_path, act)


def test_a_start_by_name_runs_it_now_and_a_start_of_all_waits(tmp_path: Path) -> None:
    later = once_at(time.time() + 86400)

    async def act(on: Stage) -> None:
        # What depends on it needs not wait for a run.
        await on.wait(lambda: on.of(WatcherStarted, "web"), "what depends on it")
        await on.arbiter.start()
        assert spawned(on) == 0
        await on.arbiter.start(["job"])
        assert spawned(on) == 1
        assert on.of(RunCompleted, "job")
        assert (next_at(on) or 0) > time.time() + 80000

    web = WatcherConfig(name="web", cmd="sleep 600", depends_on=("job",))
    play(stack_of(job("true", later), web), tmp_path, act)


def test_a_run_that_is_due_too_early_is_skipped(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(RunSkipped), "a run that is skipped")
        assert spawned(on) == 1
        assert on.of(RunSkipped)[0].reason == "the run before it has not ended"

    play(stack_of(job("exec sleep 600")), tmp_path, act)


def test_or_queued_once(tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(RunSkipped), "a third run that is due")
        assert spawned(on) == 1
        # Nothing more is due from here on, but one waits.
        gate.touch()
        await on.wait(lambda: spawned(on) >= 2, "the one that waits")

    script = f"while ! test -e {gate}; do sleep 0.02; done"
    play(stack_of(job(script, schedule_overlap=Overlap.QUEUE)), tmp_path, act)


def test_a_reload_and_the_next_arbiter_do_not_run_it_twice(tmp_path: Path) -> None:
    schedule, begin = soon()
    stack = stack_of(job("true", schedule))
    path = tmp_path / "state" / "runs.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"watchers": {"job": begin().get("job")}}, default=asdict))

    async def first(on: Stage) -> None:
        await on.wait(lambda: spawned(on), "the run")
        await on.arbiter.apply(stack, roll=True)
        await on.arbiter.reload()
        await on.wait(lambda: on.of(RunCompleted), "its end")
        await on.arbiter.apply(stack, roll=True)
        assert spawned(on) == 1
        assert (next_at(on) or 0) > time.time() + 86400

    async def second(on: Stage) -> None:
        await on.wait(lambda: next_at(on) is not None, "the schedule")
        assert spawned(on) == 0
        assert (next_at(on) or 0) > time.time() + 86400
        run = on.arbiter.last_run("job")
        assert run is not None
        assert run.result is RunResult.COMPLETED

    play(stack, tmp_path, first, lambda: RunBook(path))
    assert path.stat().st_mode & 0o777 == 0o600
    play(stack, tmp_path, second, lambda: RunBook(path))


def soon() -> tuple[str, Callable[[], RunBook]]:
    """A schedule that is due once, in a moment; and what lets an arbiter that comes too late for it know that it was
    not attended to."""
    now = time.time()
    schedule = once_at(now + 2)
    book = RunBook()
    book.put("job", Entry(f"{schedule} UTC", now))
    return schedule, lambda: book


def missed(schedule: str) -> RunBook:
    """What an arbiter left that ended two days ago."""
    book = RunBook()
    book.put("job", Entry(f"{schedule} UTC", time.time() - 2 * 86400))
    return book


def test_what_was_missed_is_told(tmp_path: Path) -> None:
    schedule = daily_at(time.time() - 7200)

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(RunSkipped), "the news")
        assert "missed" in on.of(RunSkipped)[0].reason
        assert spawned(on) == 0

    play(stack_of(job("true", schedule)), tmp_path, act, lambda: missed(schedule))


def test_or_made_up_for_once(tmp_path: Path) -> None:
    schedule = daily_at(time.time() - 7200)

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(RunCompleted), "the run")
        assert spawned(on) == 1
        assert (next_at(on) or 0) > time.time() + 70000

    play(stack_of(job("true", schedule, schedule_catch_up=True)), tmp_path, act, lambda: missed(schedule))


def test_a_failed_run_is_over_and_the_next_one_comes(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: len(on.of(RunFailed)) >= 2, "two failed runs")
        assert on.of(RunFailed)[0].exit_code == 3
        assert on.of(WatcherFailed) == []
        assert on.arbiter.status("job") is not WatcherState.FAILED

    play(stack_of(job("exit 3")), tmp_path, act)


def test_a_command_that_cannot_be_started_is_a_failed_run(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(RunFailed), "a failed run")
        assert on.of(WatcherFailed) == []

    play(stack_of(job(str(tmp_path / "nowhere"), shell=False)), tmp_path, act)


def test_a_run_is_tried_again_as_often_as_max_retry_says(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.arbiter.start(["job"])
        assert spawned(on) == 2

    script = f"test -e {tmp_path}/again || {{ touch {tmp_path}/again; exit 1; }}"
    play(stack_of(job(script, once_at(time.time() + 86400), max_retry=3)), tmp_path, act)


def test_a_run_that_takes_too_long_is_ended_and_has_failed(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(RunFailed), "the end of the run")
        assert on.of(RunTimedOut)[0].timeout_s == 0.2
        assert on.of(RunFailed)[0].exit_code == -15

    schedule, begin = soon()
    play(stack_of(job("exec sleep 600", schedule, max_runtime=0.2)), tmp_path, act, begin)


def test_other_options_hold_from_the_next_run_on(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    schedule, begin = soon()
    before = stack_of(job(f"while ! test -e {gate}; do sleep 0.02; done", schedule))

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.pids("job"), "the run")
        pids = on.pids("job")
        after = stack_of(job(f"touch {tmp_path}/other", EVERY_SECOND))
        await on.arbiter.apply(after, roll=True)
        assert on.pids("job") == pids
        gate.touch()
        await on.wait(lambda: (tmp_path / "other").exists(), "a run of the new command")

    play(before, tmp_path, act, begin)
