"""What an operator asks of one watcher: each operation waits for its turn, then for its end, and holds up nobody else.

A turn lasts as long as a change does: it ends before the wait for processes that come up, so that a watcher which never
does can still be changed. A stop and a restart don't queue: whatever was asked for before them falls away.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable

from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.rolling import Rollover
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReloadMode
from circus_stack.errors import CommandError, Errno
from circus_stack.states import WatcherState, WatcherStep

log = logging.getLogger(__name__)


async def start(keeper: Keeper, may_start: Callable[[], bool]) -> Outcome:
    """Bring a watcher up as soon as `may_start()`; returns when all its processes serve.

    Raises CommandError if it is given up, or overtaken meanwhile.
    """
    async with keeper.turn():
        if keeper.watcher.is_active:
            return Outcome(kept=_pids(keeper))
        ours = object()
        keeper.holder = ours
        _begin_start(keeper)
    try:
        if not may_start():
            log.debug("%s waits for what it depends on", keeper.name)
        await keeper.wait_until(may_start)
    finally:
        # A later start may wait in our place by now.
        if keeper.holder is ours:
            keeper.holder = None
    keeper.converge()
    return Outcome(started=await _wait_up(keeper))


def _begin_start(keeper: Keeper) -> None:
    if keeper.watcher.state is not WatcherState.STARTING:
        keeper.watcher.forgive()
        keeper.watcher.step(WatcherStep.START)


async def _wait_up(keeper: Keeper) -> tuple[int, ...]:
    await keeper.wait_until(lambda: keeper.watcher.state is not WatcherState.STARTING)
    if keeper.watcher.state in (WatcherState.FAILED, WatcherState.STOPPING):
        state = keeper.watcher.state
        raise CommandError(f"{keeper.name} did not come up: it is {state}", Errno.COMMAND_ERROR)
    return _pids(keeper)


async def stop(keeper: Keeper) -> Outcome:
    """Bring a watcher down; returns when nothing of it is left."""
    async with keeper.last_turn():
        return await _stop_now(keeper)


async def _stop_now(keeper: Keeper) -> Outcome:
    if keeper.watcher.state is WatcherState.STOPPED:
        return Outcome()
    keeper.watcher.step(WatcherStep.STOP)
    stopped = keeper.stop_all()
    await keeper.wait_gone(stopped)
    keeper.come_down()
    return Outcome(stopped=tuple(sorted(stopped)))


async def restart(keeper: Keeper, config: WatcherConfig | None = None) -> Outcome:
    """Stop, then start, with another configuration if one is given.

    Raises CommandError if the watcher doesn't come up, or if a stop overtook the second half.
    """
    asked = keeper.interrupt()
    async with keeper.turn(asked):
        stopped = await _stop_now(keeper)
        keeper.check(asked)
        if config is not None:
            keeper.change_config(config)
            keeper.watcher.wanted = config.numprocesses
        keeper.holder = None
        _begin_start(keeper)
        keeper.converge()
    return stopped + Outcome(started=await _wait_up(keeper))


async def reload(keeper: Keeper) -> Outcome:
    """Let the processes take over a new state of the world, in the watcher's own `reload_mode`."""
    match keeper.config.reload_mode:
        case ReloadMode.NONE:
            return Outcome(kept=_pids(keeper))
        case ReloadMode.HUP:
            return await hang_up(keeper)
        case ReloadMode.RESTART:
            return await restart(keeper)
        case ReloadMode.ROLLING:
            return await _roll(keeper)


async def hang_up(keeper: Keeper) -> Outcome:
    """SIGHUP to each process: the program itself knows how to read its world again."""
    async with keeper.turn():
        for pid in _pids(keeper):
            keeper.send_signal(pid, signal.SIGHUP)
        return Outcome(kept=_pids(keeper))


async def _roll(keeper: Keeper) -> Outcome:
    if keeper.config.cannot_overlap or keeper.watcher.state is WatcherState.FAILED:
        return await restart(keeper)
    async with keeper.turn():
        if not Rollover.is_possible(keeper):
            return Outcome(kept=_pids(keeper))
        rollover = Rollover(keeper, keeper.config)
        await rollover.prepare()
        rollover.take_over()
        return await rollover.wait_retired()


async def set_wanted(keeper: Keeper, count: int) -> Outcome:
    """Add or take away processes; returns when the number is reached and all of them serve."""
    async with keeper.turn():
        watcher = keeper.watcher
        before = frozenset(_pids(keeper))
        watcher.wanted = count
        if not watcher.is_up:
            return Outcome()
        keeper.converge()
        surplus = frozenset(pid for pid in before if watcher.processes[pid].is_stopping)
    await keeper.wait_until(
        lambda: surplus.isdisjoint(watcher.processes) and (watcher.has_all_ready() or not watcher.is_up)
    )
    after = frozenset(_pids(keeper))
    return Outcome(tuple(sorted(after - before)), tuple(sorted(surplus)), tuple(sorted(after & before)))


async def kill(keeper: Keeper, pid: int | None, signum: int | None, timeout_s: float | None) -> Outcome:
    """End one process or all of them; the watcher replaces what it is to run."""
    async with keeper.turn():
        chosen = frozenset(_pids(keeper)) if pid is None else frozenset({pid}) & keeper.watcher.processes.keys()
        for each in chosen:
            keeper.stop_process(each, signum, timeout_s)
        keeper.converge()
    await keeper.wait_until(lambda: chosen.isdisjoint(keeper.watcher.processes))
    return Outcome(stopped=tuple(sorted(chosen)))


def _pids(keeper: Keeper) -> tuple[int, ...]:
    return tuple(process.pid for process in keeper.watcher.serving())
