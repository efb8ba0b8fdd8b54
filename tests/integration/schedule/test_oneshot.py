"""What runs once, to its end, on real processes: alone, as a dependency, failing, and over a reload."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from circus_stack.arbiter.runs import RunResult
from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import CircusStackError, CommandError
from circus_stack.events import ProcessSpawned, RunCompleted, RunFailed, WatcherFailed, WatcherStarted
from circus_stack.states import WatcherState
from tests.integration.arbiter.stage import Stage, play, stack_of


def shell(name: str, script: str, **options: Any) -> WatcherConfig:
    given = {"shell": True, "oneshot": True, "copy_env": True, "backoff_initial": 0.01, **options}
    return WatcherConfig(name=name, cmd=script, **given)


def sleeper(name: str, **options: Any) -> WatcherConfig:
    return WatcherConfig(name=name, cmd="sleep 600", **options)


def spawned(on: Stage, name: str) -> int:
    return len(on.of(ProcessSpawned, name))


def test_it_runs_once_and_tells_code_and_duration(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(RunCompleted, "migrate"), "the end of the run")
        (event,) = on.of(RunCompleted, "migrate")
        assert event.exit_code == 0
        assert event.duration_s > 0
        run = on.arbiter.last_run("migrate")
        assert run is not None
        assert run.result is RunResult.COMPLETED
        await on.wait(lambda: on.arbiter.status("migrate") is WatcherState.STOPPED, "the state")
        assert spawned(on, "migrate") == 1
        await on.arbiter.start(["migrate"])
        assert spawned(on, "migrate") == 2
        await on.arbiter.restart(["migrate"])
        assert spawned(on, "migrate") == 3

    play(stack_of(shell("migrate", "true")), tmp_path, act)


def test_each_of_several_processes_has_its_work_to_do(tmp_path: Path) -> None:
    # The first slot does its work at once; the second fails once, and is tried again alone.
    script = f"test $(circus.wid) = 1 || test -e {tmp_path}/again || {{ touch {tmp_path}/again; exit 1; }}"

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.of(RunCompleted, "job"), "the end of the run")
        assert spawned(on, "job") == 3

    play(stack_of(shell("job", script, numprocesses=2)), tmp_path, act)


def test_what_depends_on_it_waits_until_it_has_succeeded(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    migrate = shell("migrate", f"while ! test -e {gate}; do sleep 0.02; done")

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("migrate") is WatcherState.ACTIVE, "the migration")
        assert on.pids("web") == []
        gate.touch()
        await on.wait(lambda: on.arbiter.status("web") is WatcherState.ACTIVE, "what depends on it")
        kinds = [(each.watcher, type(each)) for each in on.events]
        assert kinds.index(("migrate", RunCompleted)) < kinds.index(("web", ProcessSpawned))
        # What depends on it may come and go; its work is done.
        await on.arbiter.restart(["web"])
        await on.arbiter.stop(["web"])
        await on.arbiter.start(["web"])
        await on.arbiter.start()
        assert spawned(on, "migrate") == 1
        # Who stops it wants its work to be done again.
        await on.arbiter.stop()
        await on.arbiter.start()
        assert spawned(on, "migrate") == 2
        assert on.arbiter.status("web") is WatcherState.ACTIVE

    play(stack_of(migrate, sleeper("web", depends_on=("migrate",))), tmp_path, act)


@pytest.mark.parametrize("options", [{"max_failures": 3}, {"max_retry": 3}], ids=str)
def test_it_is_tried_again_and_then_given_up(tmp_path: Path, options: dict[str, int]) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("migrate") is WatcherState.FAILED, "the end of all tries")
        assert spawned(on, "migrate") == 3
        (event,) = on.of(RunFailed, "migrate")
        assert event.exit_code == 3
        (failed,) = on.of(WatcherFailed, "migrate")
        assert "3 failed runs" in failed.reason
        assert on.pids("web") == []
        with pytest.raises(CommandError, match="it is failed"):
            await on.arbiter.start(["migrate"])
        # Somebody mends it: what waits for it goes on.
        (tmp_path / "mended").touch()
        await on.arbiter.start(["migrate"])
        await on.wait(lambda: on.of(WatcherStarted, "web"), "what waits for it")

    migrate = shell("migrate", f"test -e {tmp_path}/mended || exit 3", **options)
    play(stack_of(migrate, sleeper("web", depends_on=("migrate",))), tmp_path, act)


def test_without_respawn_it_is_tried_once(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("job") is WatcherState.FAILED, "the end of the run")
        assert spawned(on, "job") == 1

    play(stack_of(shell("job", "exit 3", respawn=False)), tmp_path, act)


def test_a_stop_ends_it_and_nothing_that_depends_on_it_starts(tmp_path: Path) -> None:
    async def act(on: Stage) -> None:
        await on.wait(lambda: on.pids("job"), "the job")
        await on.arbiter.stop(["job"])
        run = on.arbiter.last_run("job")
        assert run is not None
        assert run.result is RunResult.STOPPED
        assert on.of(RunCompleted) == on.of(RunFailed) == []
        assert on.pids("web") == []

    play(stack_of(shell("job", "exec sleep 600"), sleeper("web", depends_on=("job",))), tmp_path, act)


def test_a_reload_runs_it_again_only_if_it_says_another_thing(tmp_path: Path) -> None:
    migrate, web = shell("migrate", f"echo ran >> {tmp_path}/log"), sleeper("web", depends_on=("migrate",))
    before = stack_of(migrate, web)

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("web") is WatcherState.ACTIVE, "the stack")
        await on.arbiter.apply(before, roll=True)
        await on.arbiter.reload()
        assert spawned(on, "migrate") == 1
        await on.arbiter.apply(stack_of(replace(migrate, max_retry=2), web), roll=True)
        assert spawned(on, "migrate") == 1
        another = replace(migrate, cmd=f"echo again >> {tmp_path}/log")
        await on.arbiter.apply(stack_of(another, web), roll=False)
        assert spawned(on, "migrate") == 2
        assert (tmp_path / "log").read_text() == "ran\nagain\n"
        await on.arbiter.reload(["migrate"])
        assert spawned(on, "migrate") == 3

    play(before, tmp_path, act)


def test_a_reload_whose_migration_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    migrate, web = shell("migrate", f"echo ran >> {tmp_path}/log"), sleeper("web", depends_on=("migrate",))

    async def act(on: Stage) -> None:
        await on.wait(lambda: on.arbiter.status("web") is WatcherState.ACTIVE, "the stack")
        pids = on.pids("web")
        broken = replace(migrate, cmd="exit 4", max_retry=1)
        with pytest.raises(CircusStackError, match="it is failed"):
            await on.arbiter.apply(stack_of(broken, replace(web, args="1")), roll=True)
        assert on.pids("web") == pids
        assert on.arbiter.config("migrate").cmd == migrate.cmd
        # The old migration isn't done a second time: the data are past it.
        assert (tmp_path / "log").read_text() == "ran\n"

    play(stack_of(migrate, web), tmp_path, act)
