"""One watcher with its processes, to a record and back: what its decisions, timers and probes are in the midst of."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from circus_stack.arbiter.handover.record import ProcessRecord, WatcherRecord
from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.launch import plan_launch
from circus_stack.arbiter.operations import wait_until_due, wake_up
from circus_stack.arbiter.process import Process
from circus_stack.config.values import ReadinessForm
from circus_stack.errors import SpawnError
from circus_stack.states import ProcessState


def keeper_state(keeper: Keeper) -> WatcherRecord:
    """What `restore_keeper` makes the same of."""
    processes = tuple(process_state(keeper, each) for each in keeper.watcher.processes.values())
    return replace(watcher_state(keeper), processes=processes)


def watcher_state(keeper: Keeper) -> WatcherRecord:
    """The same without the processes."""
    watcher = keeper.watcher
    return WatcherRecord(
        config=keeper.config,
        state=watcher.state,
        wanted=watcher.wanted,
        generation=watcher.generation,
        newest_generation=watcher.newest_generation,
        done=watcher.done,
        done_slots=watcher.done_slots,
        runs=keeper.charge.runs.state(),
        superseded=watcher.superseded,
        pace=watcher.pace(),
        failures=keeper.failures.count,
        refusal=keeper.refusal,
        given_up=keeper.failures.given_up,
        last_end=keeper.charge.last_end,
        waits_for_activity=keeper.demand.is_remembered,
        is_armed=keeper.demand.is_armed,
        is_scheduled=keeper.scheduling.is_armed,
        no_replacement_before=keeper.ages.not_before,
        health=keeper.health.state(),
    )


def process_state(keeper: Keeper, process: Process) -> ProcessRecord:
    """One of its processes."""
    return ProcessRecord(
        pid=process.pid,
        wid=process.wid,
        generation=process.generation,
        spawned_at=process.spawned_at,
        started_at=process.started_at,
        state=process.state,
        ready_at=process.ready_at,
        lane=process.lane,
        token=process.token,
        expires_at=process.expires_at,
        outlived=process.outlived,
        is_lingering=process.is_lingering,
        post=process.post,
        kill_at=keeper.ends.kill_at(process.pid),
        ready_by=keeper.serving.watch.ready_by(process.pid),
        memory=process.memory,
        memory_kind=process.memory_kind,
    )


def restore_keeper(keeper: Keeper, record: WatcherRecord, may_start: Callable[[], bool]) -> None:
    """Have a new keeper go on where another one was. Nothing is decided or published before the loop's next turn."""
    keeper.watcher.restore(record)
    keeper.failures.count = record.failures
    keeper.refusal = record.refusal
    keeper.failures.given_up = record.given_up
    keeper.charge.last_end = record.last_end
    keeper.charge.runs.restore(record.runs)
    keeper.ages.restore(record.no_replacement_before)
    for each in keeper.watcher.processes.values():
        if each.post is not None and not keeper.charge.means.posts.keep(each.post):
            each.post = None
    keeper.health.restore(record.health)
    for process in record.processes:
        if not process.is_lingering:
            keeper.ends.limit_runtime(process.pid)
            _watch(keeper, process.pid)
    now = keeper.charge.means.clock()
    keeper.ends.restore({each.pid: each.kill_at for each in record.processes if each.kill_at is not None}, now)
    for process in record.processes:
        _expect_ready(keeper, process, now)
    if record.is_scheduled:
        keeper.charge.means.loop.call_soon(wait_until_due, keeper, may_start)
    if record.waits_for_activity:
        keeper.demand.restore(wake_up(keeper, may_start), is_armed=record.is_armed)


def _watch(keeper: Keeper, pid: int) -> None:
    means = keeper.charge.means
    try:
        keeper.ends.watch(means.watch_child(pid))
    except ProcessLookupError:
        # It has ended meanwhile, and somebody else has reaped it.
        means.loop.call_soon(keeper.ends.exited, pid, None)


def _expect_ready(keeper: Keeper, process: ProcessRecord, now: float) -> None:
    """Go on waiting for a process that was about to come up."""
    if process.ready_by is None or process.state is not ProcessState.STARTING:
        return
    env, cwd = _surroundings_of_probe(keeper, process)
    left_s = max(0.0, process.ready_by - now)
    keeper.serving.watch.expect(process.pid, keeper.config, env, cwd, timeout_s=left_s)


def _surroundings_of_probe(keeper: Keeper, process: ProcessRecord) -> tuple[Mapping[str, str], str | None]:
    """What a command of a probe runs with: the process's own environment and directory, made anew."""
    config, around = keeper.config, keeper.charge.means.surroundings()
    if config.ready.form is not ReadinessForm.EXEC:
        return {}, None
    try:
        plan = plan_launch(config, process.wid, around, 1, 2, lane=process.lane)
    except SpawnError:
        # Its user is gone, say: the next spawn will tell.
        return around.environ, config.working_dir
    return plan.env, plan.cwd
