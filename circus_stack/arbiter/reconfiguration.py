"""Going over from one configuration to another, all or nothing.

`prepare` does everything that can fail: the new sockets are bound, added watchers come up, changed services are
restarted, the new generation of each watcher that rolls serves beside the old one. Each step is taken back if a later
one fails; a restarted service goes back to its old configuration. `take_over` is final and cannot fail: the new
generations count, the new configuration is in force, replaced sockets close. `wait_settled` waits for what is on its
way out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AsyncExitStack
from functools import partial

from msgspec import Struct, field

from circus_stack.arbiter import operations
from circus_stack.arbiter.fate import Fate, decide_fate
from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.launch import inherited_sockets
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.order import dependencies, predecessors
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.rolling import Rollover
from circus_stack.arbiter.sockets import ListeningSocket, bind_aside, laned
from circus_stack.config.diff import watcher_changes
from circus_stack.config.precedence import closure
from circus_stack.config.schema import SocketConfig, StackConfig, WatcherConfig
from circus_stack.errors import CommandError, Errno, ReloadError, SocketError
from circus_stack.events import WatcherAdded, WatcherRemoved

# Failures of each process of a watcher, while one waits for it to come up, after which it is waited for no longer.
_FAILURES = 3

Start = Callable[[Sequence[str]], Awaitable[Outcome]]


class Plan(Struct):
    """What becomes of each watcher."""

    added: list[WatcherConfig] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    fates: dict[Fate, list[WatcherConfig]] = field(default_factory=dict)

    def of(self, *fates: Fate) -> list[WatcherConfig]:
        """The watchers that share one of these fates."""
        return [config for fate in fates for config in self.fates.get(fate, [])]


class Reconfiguration:
    """One change of the configuration; `keepers` and `sockets` are the arbiter's own and are changed in place."""

    def __init__(
        self,
        keepers: dict[str, Keeper],
        sockets: dict[str, ListeningSocket],
        means: Means,
        stack: StackConfig,
        *,
        roll: bool,
    ) -> None:
        self._keepers = keepers
        self._sockets = sockets
        self._means = means
        self._stack = stack
        self._roll = roll
        self._old_sockets = dict(sockets)
        self._fresh: list[ListeningSocket] = []
        self._restarted: list[WatcherConfig] = []
        self._rollovers: list[Rollover] = []
        self._plan = Plan()
        self._turns = AsyncExitStack()
        self._outcome = Outcome()

    # -- what can be taken back -------------------------------------------------------------------------------

    async def prepare(self, start: Start) -> None:
        """Do all that can fail; raises ReloadError, with everything as it was, where it does."""
        moved = await self._open_sockets()
        self._plan = self._decide(moved)
        try:
            await self._add(start)
            await self._restart()
            await self._prepare_rollovers()
        except BaseException as error:
            await self._turns.aclose()
            await self._take_back()
            if isinstance(error, CommandError):
                raise ReloadError(f"{error}; nothing was changed") from error
            raise

    async def _open_sockets(self) -> frozenset[str]:
        """Bind what is new; the names of the sockets whose descriptor is another one from here on."""
        staged: dict[str, ListeningSocket] = {}
        try:
            for config in self._stack.sockets:
                staged[config.name] = self._reusable(config) or await self._bind(config)
        except SocketError as error:
            self._close_fresh()
            raise ReloadError(f"{error}; nothing was changed") from error
        self._sockets.clear()
        self._sockets.update(staged)
        old = {name: each.fd for name, each in self._old_sockets.items()}
        return frozenset(name for name, each in staged.items() if old.get(name) != each.fd)

    def _reusable(self, config: SocketConfig) -> ListeningSocket | None:
        """A socket that is bound to the wanted address already, whatever it was called."""
        for each in self._old_sockets.values():
            if each.takes_over(config):
                return each
        return None

    async def _bind(self, config: SocketConfig) -> ListeningSocket:
        fresh = await bind_aside(config)
        self._fresh.append(fresh)
        return fresh

    def _close_fresh(self) -> None:
        for each in self._fresh:
            each.close()
        self._fresh.clear()

    async def _add(self, start: Start) -> None:
        for config in self._plan.added:
            self._keepers[config.name] = Keeper(config, self._means)
            self._means.publish(WatcherAdded(watcher=config.name, time=self._means.epoch()))
        names = [config.name for config in self._plan.added if config.autostart]
        if names:
            needed = dependencies([keeper.config for keeper in self._keepers.values()])
            concerned = set(names).union(*(closure(name, needed) for name in names))
            self._outcome += await self._unless_failing(start(names), concerned)

    async def _restart(self) -> None:
        """Before anything rolls: new workers may need a changed service's new port as soon as they are imported."""
        configs = self._plan.of(Fate.RESTART)
        before = predecessors(configs)
        for config in sorted(configs, key=lambda each: len(closure(each.name, before))):
            keeper = self._keepers[config.name]
            self._restarted.append(keeper.config)
            restart = operations.restart(keeper, partial(_same, config))
            self._outcome += await self._unless_failing(restart, {config.name})

    async def _unless_failing(self, rise: Awaitable[Outcome], names: Collection[str]) -> Outcome:
        """Wait for watchers to come up. What fails again and again may never do so, where nothing gives it up: it must
        not keep the configuration from every other change."""
        keepers = [self._keepers[name] for name in names if name in self._keepers]
        before = {keeper.name: keeper.failures.count for keeper in keepers}

        def failing() -> str | None:
            hopeless = (each for each in keepers if each.failures.count - before[each.name] >= _patience(each))
            return next((each.name for each in hopeless if not each.config.max_failures), None)

        rising = asyncio.ensure_future(rise)
        rising.add_done_callback(lambda _: self._means.pulse.beat())
        try:
            await self._means.pulse.wait_until(lambda: rising.done() or failing() is not None)
            if not rising.done():
                raise CommandError(f"{failing()} does not come up: it fails again and again", Errno.COMMAND_ERROR)
            return await rising
        finally:
            rising.cancel()
            await asyncio.gather(rising, return_exceptions=True)

    async def _prepare_rollovers(self) -> None:
        for config in sorted(self._plan.of(Fate.ROLL), key=lambda each: each.name):
            keeper = self._keepers[config.name]
            await self._turns.enter_async_context(keeper.turns.take())
            if Rollover.is_possible(keeper):
                self._rollovers.append(Rollover(keeper, config))
            else:
                # It was stopped or given up since the plan was made: there is nothing to take over from.
                self._plan.fates.setdefault(Fate.ADJUST, []).append(config)
        results = await asyncio.gather(*(each.prepare() for each in self._rollovers), return_exceptions=True)
        ready = [each for each, result in zip(self._rollovers, results, strict=True) if result is None]
        # While one waited for the last, the first may have lost a new process again.
        failures = [result for result in results if isinstance(result, BaseException)]
        failures += [ReloadError(reason) for each in ready if (reason := each.failure()) is not None]
        if failures:
            await asyncio.gather(*(each.roll_back() for each in ready))
            raise failures[0]

    async def _take_back(self) -> None:
        for config in self._restarted:
            # At the end of the arbiter its keeper is closed, and stays as it is.
            with contextlib.suppress(CommandError):
                await _return_to(self._keepers[config.name], config)
        added = [self._keepers.pop(config.name) for config in self._plan.added if config.name in self._keepers]
        for keeper in added:
            keeper.close()
            self._means.publish(WatcherRemoved(watcher=keeper.name, time=self._means.epoch()))
        await asyncio.gather(*(operations.stop(keeper) for keeper in added))
        for keeper in added:
            self._means.on_gone(keeper.name)
        self._sockets.clear()
        self._sockets.update(self._old_sockets)
        self._close_fresh()

    # -- what is final ----------------------------------------------------------------------------------------

    def take_over(self) -> list[Keeper]:
        """Put the new configuration in force; the removed watchers' keepers, which are the caller's to stop."""
        for rollover in self._rollovers:
            rollover.take_over()
        for config in self._plan.of(Fate.ADJUST, Fate.HANG_UP):
            self._adjust(self._keepers[config.name], config)
        self._close_replaced()
        for keeper in self._keepers.values():
            keeper.demand.sockets_changed()
        removed = [self._keepers.pop(name) for name in self._plan.removed]
        for keeper in removed:
            keeper.close()
        return removed

    def _adjust(self, keeper: Keeper, config: WatcherConfig) -> None:
        if config.numprocesses != keeper.config.numprocesses:
            keeper.watcher.wanted = config.numprocesses
        keeper.adopt(config)
        keeper.converge()

    def _close_replaced(self) -> None:
        for config in self._stack.sockets:
            self._sockets[config.name].adopt(config)
        kept = set(map(id, self._sockets.values()))
        for each in self._old_sockets.values():
            if id(each) not in kept:
                each.close()

    async def wait_settled(self) -> Outcome:
        """Send the hang-ups, wait for the retired generations; the sum of what was done."""
        hung_up = [self._keepers[config.name] for config in self._plan.of(Fate.HANG_UP)]
        retired = await asyncio.gather(*(rollover.wait_retired() for rollover in self._rollovers))
        await self._turns.aclose()
        for keeper in hung_up:
            with contextlib.suppress(CommandError):
                self._outcome += await operations.hang_up(keeper)
        return sum(retired, self._outcome)

    # -- deciding ---------------------------------------------------------------------------------------------

    def _decide(self, moved: frozenset[str]) -> Plan:
        declared = {each.name for each in self._stack.watchers}
        plan = Plan(removed=[name for name in self._keepers if name not in declared])
        for config in self._stack.watchers:
            keeper = self._keepers.get(config.name)
            if keeper is None:
                plan.added.append(config)
            else:
                plan.fates.setdefault(self._fate(keeper, config, moved), []).append(config)
        return plan

    def _fate(self, keeper: Keeper, config: WatcherConfig, moved: frozenset[str]) -> Fate:
        used = inherited_sockets(config, self._sockets, laned(self._sockets)) if config.use_sockets else frozenset()
        return decide_fate(
            keeper.config,
            config,
            watcher_changes(keeper.config, config),
            keeper.watcher.state,
            lost_socket=not moved.isdisjoint(used),
            roll=self._roll,
            is_done=keeper.scheduling.is_armed or (keeper.charge.runs.is_done and config.runs_once),
        )


def _patience(keeper: Keeper) -> int:
    return _FAILURES * max(1, keeper.watcher.wanted)


async def _return_to(keeper: Keeper, config: WatcherConfig) -> None:
    if config.runs_once:
        # Its work was done before: what it must not be is done again.
        await operations.adjust(keeper, partial(_same, config))
    else:
        await operations.restart(keeper, partial(_same, config))


def _same(config: WatcherConfig) -> WatcherConfig:
    return config
