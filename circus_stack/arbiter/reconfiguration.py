"""Going over from one configuration to another, all or nothing.

First everything that can fail: the new sockets are bound, added watchers come up, changed services are restarted, the
new generation of each watcher that rolls serves beside the old one. Until then each step is taken back if a later one
fails; a restarted service goes back to its old configuration. Only then, what cannot be undone: old generations retire,
removed watchers stop, replaced sockets close.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from circus_stack.arbiter import operations
from circus_stack.arbiter.fate import Fate, decide_fate
from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.launch import inherited_sockets
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.order import predecessors
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.rolling import Rollover
from circus_stack.arbiter.sockets import ListeningSocket, bind
from circus_stack.config.diff import watcher_changes
from circus_stack.config.precedence import closure
from circus_stack.config.schema import StackConfig, WatcherConfig
from circus_stack.errors import CommandError, ReloadError, SocketError
from circus_stack.events import ConfigApplied, WatcherAdded, WatcherRemoved, WatcherUpdated

Many = Callable[[Sequence[str]], Awaitable[Outcome]]


@dataclass(slots=True)
class Plan:
    """What becomes of each watcher, by name."""

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
        changes: tuple[str, ...],
        *,
        roll: bool,
    ) -> None:
        self._keepers = keepers
        self._sockets = sockets
        self._means = means
        self._stack = stack
        self._changes = changes
        self._roll = roll
        self._old_sockets = dict(sockets)
        self._fresh: list[ListeningSocket] = []
        self._restarted: list[WatcherConfig] = []

    async def carry_out(self, start: Many, stop: Many, is_quitting: Callable[[], bool]) -> Outcome:
        """Do all of it; raises ReloadError, with everything as it was, where a new part does not come up."""
        moved = self._open_sockets()
        plan = self._plan(moved)
        async with AsyncExitStack() as locks:
            try:
                await self._add(plan.added, start)
                outcome = await self._restart(plan.of(Fate.RESTART))
                rollovers = await self._prepare(plan.of(Fate.ROLL), locks)
            except BaseException:
                await self._take_back(plan.added, stop, is_quitting)
                raise
            started = await asyncio.gather(*(rollover.commit() for rollover in rollovers))
        outcome = sum(started, outcome) + await self._finish(plan, stop)
        self._close_replaced()
        self._means.publish(ConfigApplied(watcher="circus", time=self._means.epoch(), changes=self._changes))
        return outcome

    # -- what can be taken back -------------------------------------------------------------------------------

    def _open_sockets(self) -> frozenset[str]:
        """Bind what is new; the names of the sockets whose descriptor is another one from here on."""
        staged: dict[str, ListeningSocket] = {}
        try:
            for config in self._stack.sockets:
                staged[config.name] = self._reusable(config.name) or self._bind(config.name)
        except SocketError as error:
            self._close_fresh()
            raise ReloadError(f"{error}; nothing was changed") from error
        self._sockets.clear()
        self._sockets.update(staged)
        old = {name: each.fd for name, each in self._old_sockets.items()}
        return frozenset(name for name, each in staged.items() if old.get(name) != each.fd)

    def _reusable(self, name: str) -> ListeningSocket | None:
        """A socket that is bound to the wanted address already, whatever it was called."""
        config = next(each for each in self._stack.sockets if each.name == name)
        for each in self._old_sockets.values():
            if each.takes_over(config):
                return each
        return None

    def _bind(self, name: str) -> ListeningSocket:
        fresh = bind(next(each for each in self._stack.sockets if each.name == name))
        self._fresh.append(fresh)
        return fresh

    def _close_fresh(self) -> None:
        for each in self._fresh:
            each.close()
        self._fresh.clear()

    async def _add(self, added: list[WatcherConfig], start: Many) -> None:
        for config in added:
            self._keepers[config.name] = Keeper(config, self._means)
            self._means.publish(WatcherAdded(watcher=config.name, time=self._means.epoch()))
        names = [config.name for config in added if config.autostart]
        if names:
            try:
                await start(names)
            except CommandError as error:
                raise ReloadError(f"{error}; nothing else was changed") from error

    async def _restart(self, restarted: list[WatcherConfig]) -> Outcome:
        """Before anything rolls: new workers may need a changed service's new port as soon as they are imported."""
        outcome = Outcome()
        before = predecessors(restarted)
        for config in sorted(restarted, key=lambda each: len(closure(each.name, before))):
            keeper = self._keepers[config.name]
            self._restarted.append(keeper.config)
            try:
                outcome += await operations.restart(keeper, config)
            except CommandError as error:
                raise ReloadError(f"{error}; it goes back to its old configuration") from error
        return outcome

    async def _prepare(self, rolled: list[WatcherConfig], locks: AsyncExitStack) -> list[Rollover]:
        for config in sorted(rolled, key=lambda each: each.name):
            await locks.enter_async_context(self._keepers[config.name].lock)
        rollovers = [Rollover(self._keepers[config.name], config) for config in rolled]
        results = await asyncio.gather(*(each.prepare() for each in rollovers), return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            ready = [each for each, result in zip(rollovers, results, strict=True) if result is None]
            await asyncio.gather(*(each.roll_back() for each in ready))
            raise failures[0]
        return rollovers

    async def _take_back(self, added: list[WatcherConfig], stop: Many, is_quitting: Callable[[], bool]) -> None:
        for config in () if is_quitting() else self._restarted:
            with contextlib.suppress(CommandError):
                await operations.restart(self._keepers[config.name], config)
        names = [config.name for config in added if config.name in self._keepers]
        await stop(names)
        for name in names:
            del self._keepers[name]
            self._means.publish(WatcherRemoved(watcher=name, time=self._means.epoch()))
        self._sockets.clear()
        self._sockets.update(self._old_sockets)
        self._close_fresh()

    # -- what is final ----------------------------------------------------------------------------------------

    async def _finish(self, plan: Plan, stop: Many) -> Outcome:
        adjusted = plan.of(Fate.ADJUST, Fate.HANG_UP)
        resized = [each for each in adjusted if each.numprocesses != self._keepers[each.name].config.numprocesses]
        for config in adjusted:
            self._keepers[config.name].change_config(config)
        for config in plan.of(Fate.ADJUST, Fate.ROLL, Fate.RESTART):
            self._means.publish(WatcherUpdated(watcher=config.name, time=self._means.epoch()))
        jobs: list[Awaitable[Outcome]] = [
            *(operations.hang_up(self._keepers[each.name]) for each in plan.of(Fate.HANG_UP)),
            *(operations.set_wanted(self._keepers[each.name], each.numprocesses) for each in resized),
            *([stop(plan.removed)] if plan.removed else []),
        ]
        outcome = sum(await asyncio.gather(*jobs), Outcome())
        for name in plan.removed:
            del self._keepers[name]
            self._means.publish(WatcherRemoved(watcher=name, time=self._means.epoch()))
        return outcome

    def _close_replaced(self) -> None:
        for config in self._stack.sockets:
            self._sockets[config.name].adopt(config)
        kept = set(map(id, self._sockets.values()))
        for each in self._old_sockets.values():
            if id(each) not in kept:
                each.close()

    # -- deciding ---------------------------------------------------------------------------------------------

    def _plan(self, moved: frozenset[str]) -> Plan:
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
        return decide_fate(
            keeper.config,
            config,
            watcher_changes(keeper.config, config),
            keeper.watcher.state,
            lost_socket=config.use_sockets and not moved.isdisjoint(inherited_sockets(config, self._sockets)),
            roll=self._roll,
        )
