"""New processes before old ones: one watcher's part of a reload, in steps so that several watchers can agree.

`prepare` starts the new generation and waits until all of it serves; `roll_back` takes it away again. `take_over` makes
it the one that counts, and can't fail; `wait_retired` waits for the old one's end. The caller has the watcher's turn.
"""

from __future__ import annotations

import asyncio
import contextlib

from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.outcome import Outcome
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReadinessForm
from circus_stack.errors import CommandError, OvertakenError, ReloadError
from circus_stack.events import ReloadFailed, ReloadProgressed, WatcherReloaded
from circus_stack.states import ProcessState

# A command that cannot work (a typo, a missing module, a taken port) is gone well within this time.
_SETTLE_S = 1.0


class Rollover:
    """The change of one watcher from its running generation to one that is made from `config`, which `stays` in force
    where a stop overtakes the change: it is what somebody wants, and the next start follows it."""

    def __init__(self, keeper: Keeper, config: WatcherConfig, *, stays: bool = False) -> None:
        self._keeper = keeper
        self._old_config = keeper.config
        self._new_config = config
        self._stays = stays
        self._old_wanted = keeper.watcher.wanted
        self._old_generation = keeper.watcher.generation
        self._retired: frozenset[int] = frozenset()
        # How far the present phase was when that was last published.
        self._told = -1

    @staticmethod
    def is_possible(keeper: Keeper) -> bool:
        """Whether there are, or are to be, processes that others can take over from."""
        return keeper.watcher.is_up and keeper.holder is None

    async def prepare(self) -> None:
        """Start the new generation and wait for it; raises ReloadError, rolled back, where it will not serve."""
        keeper, watcher = self._keeper, self._keeper.watcher
        if self._new_config.numprocesses != self._old_config.numprocesses:
            watcher.wanted = self._new_config.numprocesses
        keeper.adopt(self._new_config)
        watcher.begin_generation()
        keeper.converge()
        try:
            await self._wait_serving()
            if self._new_config.ready.form is ReadinessForm.NONE and self.failure() is None:
                await self._settle()
        except OvertakenError as error:
            await self.roll_back(str(error), stays=self._stays)
            raise ReloadError(str(error)) from None
        reason = self.failure()
        if reason is not None:
            await self.roll_back(reason)
            raise ReloadError(f"{reason}; the old processes serve on")

    async def _wait_serving(self) -> None:
        keeper = self._keeper
        self._told = -1
        while self.failure() is None:
            self._tell(self._ready(), keeper.watcher.wanted, "starting")
            if keeper.is_complete():
                return
            await keeper.turns.wait_until(
                lambda: self.failure() is not None or self._ready() != self._told or keeper.is_complete()
            )

    def _ready(self) -> int:
        """How many of the new generation serve."""
        return sum(each.state is ProcessState.READY for each in self._keeper.watcher.serving())

    def _tell(self, done: int, total: int, phase: str) -> None:
        """Publish how far a phase is, unless that is known."""
        if done != self._told:
            self._told = done
            keeper = self._keeper
            keeper.publish(
                ReloadProgressed(watcher=keeper.name, time=keeper.epoch(), done=done, total=total, phase=phase)
            )

    def failure(self) -> str | None:
        """Why the new generation will not do; None while it may."""
        keeper = self._keeper
        if keeper.failures.of_reload is None and keeper.watcher.is_up:
            return None
        return f"{keeper.name}: {keeper.failures.of_reload or f'it is {keeper.watcher.state}'}"

    async def _settle(self) -> None:
        """Without a readiness nothing tells that the new processes work; let them at least not die at once."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                await self._keeper.turns.wait_until(lambda: self.failure() is not None)

    def take_over(self) -> None:
        """The new generation counts from here on; the old one is asked to go."""
        keeper, watcher = self._keeper, self._keeper.watcher
        self._retired = frozenset(
            pid for pid, each in watcher.processes.items() if each.generation != watcher.generation
        )
        keeper.failures.of_reload = None
        watcher.end_generation_change()
        for pid in sorted(self._retired):
            keeper.ends.stop(pid)
        keeper.converge()

    async def wait_retired(self) -> Outcome:
        """Wait for the old generation's end; a stop that overtakes this ends the wait, not the change."""
        with contextlib.suppress(CommandError):
            await self._wait_gone()
        # As in Circus: whoever hears of it and then asks for the processes finds the new ones alone.
        keeper = self._keeper
        keeper.publish(WatcherReloaded(watcher=keeper.name, time=keeper.epoch()))
        started = tuple(process.pid for process in keeper.watcher.serving())
        return Outcome(started=started, stopped=tuple(sorted(self._retired)))

    async def _wait_gone(self) -> None:
        self._told = -1
        while self._told < len(self._retired):
            self._tell(self._gone(), len(self._retired), "retiring")
            await self._keeper.turns.wait_until(
                lambda: self._gone() == len(self._retired) or self._gone() != self._told
            )
            self._tell(self._gone(), len(self._retired), "retiring")

    def _gone(self) -> int:
        """How many of the old generation have gone."""
        return len(self._retired.difference(self._keeper.watcher.processes))

    async def roll_back(self, reason: str | None = None, *, stays: bool = False) -> None:
        """Take the new generation away and go on with the old one, until its own end where the new configuration stays.
        Without a reason of its own that is no event: it follows another watcher, whose event tells why."""
        keeper, watcher = self._keeper, self._keeper.watcher
        new = frozenset(pid for pid, each in watcher.processes.items() if each.generation == watcher.generation)
        if not stays:
            keeper.adopt(self._old_config)
            watcher.wanted = self._old_wanted
        watcher.return_to_generation(self._old_generation)
        keeper.failures.of_reload = None
        for pid in sorted(new):
            keeper.ends.stop(pid)
        if not stays:
            keeper.converge()
        if reason is not None:
            keeper.publish(ReloadFailed(watcher=keeper.name, time=keeper.epoch(), reason=reason))
        await keeper.turns.wait_gone(new)
