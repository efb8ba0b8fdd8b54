"""What is done to one watcher and takes its time: start, stop, restart, reload, resize, kill.

Each waits for its watcher's turn. A turn is held only as long as the watcher is being changed: an operation that then
waits for processes to serve, which may never happen, lets the next one in, which may mend what the processes lack. A
stop and a restart don't queue at all: they overtake what was asked for before them.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.rolling import Rollover
from circus_stack.arbiter.scale_order import ScaleOrder
from circus_stack.arbiter.succession import replace_one_by_one
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReloadMode
from circus_stack.errors import CommandError, Errno, OvertakenError
from circus_stack.events import WatcherReloaded
from circus_stack.exits import describe_exit
from circus_stack.states import WatcherState

log = logging.getLogger(__name__)

# The configuration to go over to, decided when the watcher's turn has come: others may have changed it until then.
Amended = Callable[[], WatcherConfig]
# What is left of an operation that has done what it changes: a wait, which may have no end.
Rest = Callable[[], Awaitable[Outcome]]

_DOWN = (WatcherState.STOPPED, WatcherState.FAILED)


async def start(keeper: Keeper, may_start: Callable[[], bool], *, at_once: bool = False) -> Outcome:
    """Bring a watcher up as soon as `may_start()`; returns when all its processes serve.

    One that starts on demand is only armed, and comes up with the first activity at its sockets; a scheduled one waits
    for its due times, and with `at_once` it runs now as well. Raises CommandError if
    it is given up, refused by a hook of its own, or overtaken meanwhile.
    """
    async with keeper.turns.take():
        is_scheduled = wait_until_due(keeper, may_start)
        if keeper.watcher.is_active or (is_scheduled and not at_once):
            return Outcome(kept=_pids(keeper))
        if keeper.config.on_demand and keeper.watcher.state in _DOWN:
            await keeper.bring_down()
            if _arm(keeper, may_start):
                return Outcome()
        ours = await _hold(keeper, forgive=True)
    return Outcome(started=await _come_up(keeper, ours, may_start))


def wake_up(keeper: Keeper, may_start: Callable[[], bool]) -> Callable[[], None]:
    """What brings a watcher up that starts on demand, at the first activity."""

    def wake() -> None:
        keeper.charge.hooks.background(_start_unasked(keeper, may_start, forgive=False))

    return wake


def _arm(keeper: Keeper, may_start: Callable[[], bool]) -> bool:
    is_armed = keeper.demand.arm(wake_up(keeper, may_start))
    if keeper.config.on_demand and not is_armed:
        log.warning("%s has no socket to wait for: it starts at once", keeper.name)
    return is_armed


def wait_until_due(keeper: Keeper, may_start: Callable[[], bool]) -> bool:
    """Have a watcher run whenever it is due; False where it has no schedule."""

    def wake() -> None:
        keeper.charge.hooks.background(_start_unasked(keeper, may_start, forgive=True))

    return keeper.scheduling.arm(wake)


async def _start_unasked(keeper: Keeper, may_start: Callable[[], bool], *, forgive: bool) -> None:
    """A run is due, or something waits at a socket. With that, what has failed before keeps its delay: the socket may
    stay as it is for long."""
    try:
        async with keeper.turns.take():
            if keeper.watcher.state not in _DOWN:
                return
            ours = await _hold(keeper, forgive=forgive)
        await _let_up(keeper, ours, may_start)
        if not keeper.config.runs_once:
            # The end of a run, which may take hours, is nobody's to wait for here: an upgrade would wait with us.
            await _wait_up(keeper)
    except CommandError as error:
        # Nobody asked for this start, so nobody is told but by its events.
        log.debug("%s", error)


async def _hold(keeper: Keeper, *, forgive: bool) -> object:
    """Begin a start, with nothing spawned as long as the returned object holds it."""
    if keeper.watcher.state is WatcherState.STOPPING:
        # A hook refused it, and its processes are on their way out.
        await keeper.bring_down()
    keeper.holder = ours = object()
    if keeper.watcher.state is not WatcherState.STARTING:
        keeper.begin_start(forgive=forgive)
    return ours


async def _come_up(keeper: Keeper, ours: object, may_start: Callable[[], bool]) -> tuple[int, ...]:
    await _let_up(keeper, ours, may_start)
    return await _wait_up(keeper)


async def _let_up(keeper: Keeper, ours: object, may_start: Callable[[], bool]) -> None:
    try:
        await keeper.turns.wait_until(may_start)
        await keeper.wait_admitted()
    finally:
        # A later start may wait in our place by now.
        if keeper.holder is ours:
            keeper.holder = None
    keeper.converge()


async def _wait_up(keeper: Keeper) -> tuple[int, ...]:
    if keeper.config.runs_once:
        # It is up when it has done its work: what depends on it starts then.
        await keeper.turns.wait_until(lambda: keeper.watcher.state in _DOWN)
    else:
        await keeper.turns.wait_until(lambda: keeper.watcher.state is not WatcherState.STARTING)
    state = keeper.watcher.state
    if keeper.refusal is not None:
        raise CommandError(f"{keeper.name} did not come up: its hook {keeper.refusal} refused", Errno.COMMAND_ERROR)
    if state in (WatcherState.FAILED, WatcherState.STOPPING):
        raise CommandError(f"{keeper.name} did not come up: it is {state}", Errno.COMMAND_ERROR)
    if keeper.config.runs_once and not keeper.charge.runs.is_done:
        raise CommandError(f"{keeper.name} has not completed: {_result(keeper)}", Errno.COMMAND_ERROR)
    return _pids(keeper)


def _result(keeper: Keeper) -> str:
    run = keeper.charge.runs.last
    if run is None or run.exit_code is None:
        return "it did not run" if run is None else str(run.result)
    return f"{run.result}, {describe_exit(run.exit_code)}"


async def stop(keeper: Keeper) -> Outcome:
    """Bring a watcher down, and let no activity at a socket bring it up again; returns when nothing of it is left."""
    keeper.demand.forget()
    keeper.scheduling.forget()
    async with keeper.turns.take_last():
        keeper.demand.forget()
        keeper.scheduling.forget()
        return await _stop_now(keeper)


async def _stop_now(keeper: Keeper) -> Outcome:
    keeper.charge.runs.forget()
    return Outcome(stopped=tuple(sorted(await keeper.bring_down())))


async def restart(keeper: Keeper, config: Amended | None = None) -> Outcome:
    """Stop, then start, with another configuration if one is given.

    Raises CommandError if the watcher doesn't come up, or if a stop overtook the second half.
    """
    rest = await begin_restart(keeper, config)
    return await rest()


async def begin_restart(keeper: Keeper, config: Amended | None = None) -> Rest:
    """Stop, go over to another configuration, and begin to start. Raises CommandError if a stop overtakes it."""
    asked = keeper.turns.interrupt()
    async with keeper.turns.take(asked):
        was_down = keeper.watcher.state in _DOWN
        stopped = await _stop_now(keeper)
        keeper.turns.check(asked)
        if config is not None:
            _adopt(keeper, config())
        if wait_until_due(keeper, _at_once) or (was_down and _arm(keeper, _at_once)):
            return partial(_done, stopped)
        ours = await _hold(keeper, forgive=True)
    return partial(_come_up_again, keeper, ours, stopped)


async def _come_up_again(keeper: Keeper, ours: object, stopped: Outcome) -> Outcome:
    return stopped + Outcome(started=await _come_up(keeper, ours, _at_once))


async def _done(outcome: Outcome) -> Outcome:
    return outcome


def _at_once() -> bool:
    """No dependency is waited for: what runs was allowed to already."""
    return True


async def reload(keeper: Keeper, *, sequential: bool = False, is_named: bool = False) -> Outcome:
    """Let the processes take over a new state of the world, in the watcher's own `reload_mode`.

    With `sequential`, what would roll is replaced one process after the other, each stopped before its successor
    starts. With `is_named`, a watcher that is down comes up, as in Circus one that was named does. Raises ReloadError
    where new processes don't serve; the old ones that are left serve on.
    """
    if is_named and keeper.watcher.state in _DOWN:
        return await restart(keeper)
    if keeper.config.send_hup:
        return await hang_up(keeper)
    mode = keeper.config.reload_mode
    if mode is ReloadMode.NAMED and is_named:
        mode = ReloadMode.ROLLING
    match mode:
        case ReloadMode.NONE | ReloadMode.NAMED:
            return Outcome(kept=_pids(keeper))
        case ReloadMode.HUP:
            return await hang_up(keeper)
        case ReloadMode.RESTART:
            return await restart(keeper)
        case ReloadMode.ROLLING:
            return await (_replace(keeper) if sequential else roll(keeper, lambda: keeper.config))


async def hang_up(keeper: Keeper) -> Outcome:
    """SIGHUP to each process: the program itself knows how to read its world again."""
    async with keeper.turns.take():
        for pid in _pids(keeper):
            keeper.signalling.send(pid, signal.SIGHUP)
        keeper.publish(WatcherReloaded(watcher=keeper.name, time=keeper.epoch()))
        return Outcome(kept=_pids(keeper))


async def _replace(keeper: Keeper) -> Outcome:
    async with keeper.turns.take():
        if not Rollover.is_possible(keeper):
            return Outcome(kept=_pids(keeper))
        return await replace_one_by_one(keeper)


async def roll(keeper: Keeper, config: Amended) -> Outcome:
    """Have new processes take over, made from another configuration or the same; where two may not be, by a restart."""
    if config().cannot_overlap or keeper.watcher.state is WatcherState.FAILED:
        return await restart(keeper, config if config() != keeper.config else None)
    async with keeper.turns.take():
        if not Rollover.is_possible(keeper):
            _adopt(keeper, config())
            return Outcome(kept=_pids(keeper))
        rollover = Rollover(keeper, config(), stays=True)
        await rollover.prepare()
        rollover.take_over()
        return await rollover.wait_retired()


async def resize(keeper: Keeper, count: Callable[[int], int], order: ScaleOrder | None = None) -> Outcome:
    """Add or take away processes; returns when the number is reached and all of them serve.

    `count` makes the new number of the one that is wanted when it is this operation's turn: two that each want one more
    at the same time get two. `order` says why, where a reason was given.
    """
    try:
        async with keeper.turns.take():
            wanted = count(keeper.watcher.wanted)
            # A change like one by `set`: it is kept, and saved, with the others.
            keeper.change_config(replace(keeper.config, numprocesses=wanted), order)
            rest = _begin_resize(keeper, wanted)
    except OvertakenError:
        hold_from_next_start(keeper, lambda: replace(keeper.config, numprocesses=count(keeper.watcher.wanted)))
        raise
    return await rest()


def hold_from_next_start(keeper: Keeper, config: Amended) -> None:
    """An operation that was to change the options has been overtaken: whoever overtook it starts with them.

    To be called in the same step as it is heard of: the one that overtakes has not started anything until then.
    """
    if not keeper.turns.is_closed:
        _adopt(keeper, config())


async def adjust(keeper: Keeper, config: Amended) -> Rest:
    """Go over to a configuration that no running process needs to know."""
    async with keeper.turns.take():
        before, now = keeper.config, config()
        keeper.adopt(now)
        if now.numprocesses != before.numprocesses:
            return _begin_resize(keeper, now.numprocesses)
        keeper.converge()
        return partial(_done, Outcome(kept=_pids(keeper)))


def _begin_resize(keeper: Keeper, count: int) -> Rest:
    before = frozenset(_pids(keeper))
    keeper.watcher.wanted = count
    if not keeper.watcher.is_up:
        return partial(_done, Outcome())
    keeper.converge()
    surplus = frozenset(pid for pid in before if keeper.watcher.processes[pid].is_stopping)
    return partial(_wait_resized, keeper, before, surplus)


async def _wait_resized(keeper: Keeper, before: frozenset[int], surplus: frozenset[int]) -> Outcome:
    watcher = keeper.watcher
    await keeper.turns.wait_until(
        lambda: surplus.isdisjoint(watcher.processes) and (keeper.is_complete() or not watcher.is_up)
    )
    after = frozenset(_pids(keeper))
    return Outcome(tuple(sorted(after - before)), tuple(sorted(surplus)), tuple(sorted(after & before)))


def _adopt(keeper: Keeper, config: WatcherConfig) -> None:
    """Follow another configuration; a number of processes that somebody has chosen since stays, if it stays there."""
    if config.numprocesses != keeper.config.numprocesses:
        keeper.watcher.wanted = config.numprocesses
    keeper.adopt(config)


async def kill(keeper: Keeper, pid: int | None, signum: int | None, timeout_s: float | None) -> Outcome:
    """End one process or all of them; the watcher replaces what it is to run."""
    async with keeper.turns.take():
        chosen = frozenset(_pids(keeper)) if pid is None else frozenset({pid}) & keeper.watcher.processes.keys()
        for each in sorted(chosen):
            keeper.ends.stop(each, signum, timeout_s)
        keeper.converge()
    await keeper.turns.wait_until(lambda: chosen.isdisjoint(keeper.watcher.processes))
    return Outcome(stopped=tuple(sorted(chosen)))


def _pids(keeper: Keeper) -> tuple[int, ...]:
    return tuple(process.pid for process in keeper.watcher.serving())
