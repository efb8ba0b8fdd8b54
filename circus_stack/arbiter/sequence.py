"""Several watchers at once: started in order, stopped in the reverse. Waits for conditions; what one watcher does then
stands in `operations`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence

from circus_stack.arbiter import operations
from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.order import dependencies, predecessors, successors
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.pace import Pace
from circus_stack.arbiter.pulse import Pulse
from circus_stack.config.precedence import closure
from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import CommandError, Errno
from circus_stack.states import WatcherState


class Sequencer:
    """Starts and stops an arbiter's keepers in order. Looks at `keepers` each time: they come and go."""

    def __init__(self, keepers: Mapping[str, Keeper], pulse: Pulse, pace: Pace) -> None:
        self._keepers = keepers
        self._pulse = pulse
        self._pace = pace

    def with_dependencies(self, names: Sequence[str]) -> list[str]:
        """These watchers and all that they depend on, but for what has run once and done its work."""
        needed = dependencies(self._configs())
        others = set().union(*(closure(name, needed) for name in names))
        wanted = set(names) | {name for name in others if not self._keepers[name].charge.runs.is_done}
        return [name for name in self._keepers if name in wanted]

    async def start(self, names: Sequence[str], at_once: Collection[str] = ()) -> Outcome:
        """Start each of them as soon as those before it have come up; of the scheduled ones those in `at_once` run now,
        the others when they are due."""
        before = predecessors(self._configs())
        # A predecessor's task runs first, so that its state already shows that it starts.
        ordered = sorted(names, key=lambda name: len(closure(name, before)))
        return await gather(
            operations.start(self._keepers[name], self._gate(name, before[name]), at_once=name in at_once)
            for name in ordered
        )

    def may_start(self, name: str) -> bool:
        """Whether a watcher may start now, as far as those are concerned that it is to wait for."""
        return self._gate(name, predecessors(self._configs())[name])()

    def _gate(self, name: str, before: frozenset[str]) -> Callable[[], bool]:
        def may_start() -> bool:
            # Looked up each time: a reload may change what it depends on while it waits.
            needed = dependencies(self._configs()).get(name, frozenset())
            states = self._states()
            is_free = all(self.is_available(each) for each in needed) and all(
                states.get(each) is not WatcherState.STARTING for each in before - needed
            )
            return is_free and self._pace.may_go()

        return may_start

    def is_available(self, name: str) -> bool:
        """Whether a watcher can be used: what starts on demand comes up then; what runs once has done its work."""
        keeper = self._keepers[name]
        if keeper.config.runs_once:
            return keeper.charge.runs.is_done or keeper.scheduling.is_armed
        return keeper.watcher.is_active or keeper.demand.is_armed

    async def stop(self, names: Sequence[str]) -> Outcome:
        """Stop each of them as soon as those that stop before it are down."""
        after = successors(predecessors(self._configs()))
        # Their stops and not their states: somebody may start one of them again at the moment it is down.
        ended = {name: asyncio.Event() for name in names}
        return await gather(self._stop_one(name, after[name] & ended.keys(), ended) for name in names)

    async def _stop_one(self, name: str, first: Iterable[str], ended: Mapping[str, asyncio.Event]) -> Outcome:
        keeper = self._keepers[name]
        for each in first:
            await ended[each].wait()
        try:
            return await operations.stop(keeper)
        finally:
            ended[name].set()

    async def restart(self, names: Sequence[str], check: Callable[[], None]) -> Outcome:
        """Stop all, then start all; `check` raises where nothing is to be started any more."""
        if len(names) == 1:
            return await operations.restart(self._keepers[names[0]])
        # A stop overtakes once: whoever has been overtaken more often was stopped by somebody else meanwhile.
        asked = {name: self._keepers[name].interrupts + 1 for name in names}
        stopped = await self.stop(names)
        check()
        left = [name for name in names if name in self._keepers and self._keepers[name].interrupts == asked[name]]
        return stopped + await self.start(left)

    def _states(self) -> dict[str, WatcherState]:
        return {name: keeper.watcher.state for name, keeper in self._keepers.items()}

    def _configs(self) -> list[WatcherConfig]:
        return [keeper.config for keeper in self._keepers.values()]


async def gather(jobs: Iterable[Awaitable[Outcome]]) -> Outcome:
    """Let all run to their end, then give the sum, or raise the first error, with what the others say in its text."""
    results = await asyncio.gather(*jobs, return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    if len(errors) > 1 and all(isinstance(each, CommandError) for each in errors):
        raise CommandError("; ".join(dict.fromkeys(map(str, errors))), Errno.COMMAND_ERROR)
    if errors:
        raise errors[0]
    return sum((result for result in results if isinstance(result, Outcome)), Outcome())
