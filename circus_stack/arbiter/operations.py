"""What an operator asks of one watcher: each operation waits for its turn, then for its end, and holds up nobody else.

A stop does not wait for its turn behind a start or a reload: it interrupts them.
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

    Raises CommandError if it is given up, or stopped meanwhile.
    """
    async with keeper.lock:
        watcher = keeper.watcher
        if watcher.is_active:
            return Outcome(kept=_pids(keeper))
        if watcher.state is not WatcherState.STARTING:
            watcher.forgive()
            watcher.step(WatcherStep.START)
        keeper.is_held = True
        if not may_start():
            log.debug("%s waits for what it depends on", keeper.name)
        try:
            await keeper.wait_until(may_start)
        finally:
            keeper.is_held = False
        keeper.converge()
        await keeper.wait_until(lambda: watcher.state is not WatcherState.STARTING)
        if not keeper.watcher.is_active:
            raise CommandError(f"{keeper.name} did not come up: it is {watcher.state}", Errno.COMMAND_ERROR)
        return Outcome(started=_pids(keeper))


async def stop(keeper: Keeper) -> Outcome:
    """Bring a watcher down; returns when nothing of it is left."""
    keeper.interrupt()
    async with keeper.lock:
        return await _stop_locked(keeper)


async def _stop_locked(keeper: Keeper) -> Outcome:
    if keeper.watcher.state is WatcherState.STOPPED:
        return Outcome()
    keeper.watcher.step(WatcherStep.STOP)
    stopped = keeper.stop_all()
    await keeper.wait_gone(stopped)
    keeper.come_down()
    return Outcome(stopped=tuple(sorted(stopped)))


async def restart(keeper: Keeper, config: WatcherConfig | None = None) -> Outcome:
    """Stop, then start, with another configuration if one is given."""
    keeper.interrupt()
    async with keeper.lock:
        stopped = await _stop_locked(keeper)
    if config is not None:
        keeper.watcher.config = config
        keeper.watcher.wanted = config.numprocesses
    return stopped + await start(keeper, lambda: True)


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
    async with keeper.lock:
        for pid in _pids(keeper):
            keeper.send_signal(pid, signal.SIGHUP)
        return Outcome(kept=_pids(keeper))


async def _roll(keeper: Keeper) -> Outcome:
    if keeper.config.cannot_overlap:
        return await restart(keeper)
    if keeper.watcher.state is WatcherState.FAILED:
        return await restart(keeper)
    async with keeper.lock:
        if not keeper.watcher.is_up:
            return Outcome()
        rollover = Rollover(keeper, keeper.config)
        await rollover.prepare()
        return await rollover.commit()


async def set_wanted(keeper: Keeper, count: int) -> Outcome:
    """Add or take away processes; returns when the number is reached and all of them serve."""
    async with keeper.lock:
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
    async with keeper.lock:
        chosen = frozenset(_pids(keeper)) if pid is None else frozenset({pid}) & keeper.watcher.processes.keys()
        for each in chosen:
            keeper.stop_process(each, signum, timeout_s)
        keeper.converge()
        await keeper.wait_until(lambda: chosen.isdisjoint(keeper.watcher.processes))
        return Outcome(stopped=tuple(sorted(chosen)))


def _pids(keeper: Keeper) -> tuple[int, ...]:
    return tuple(process.pid for process in keeper.watcher.serving())
