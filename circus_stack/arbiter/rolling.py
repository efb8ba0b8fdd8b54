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
from circus_stack.errors import CommandError, ReloadError
from circus_stack.events import ReloadFailed, WatcherReloaded

# A command that cannot work (a typo, a missing module, a taken port) is gone well within this time.
_SETTLE_S = 1.0


class Rollover:
    """The change of one watcher from its running generation to one that is made from `config`."""

    def __init__(self, keeper: Keeper, config: WatcherConfig) -> None:
        self._keeper = keeper
        self._old_config = keeper.config
        self._new_config = config
        self._old_wanted = keeper.watcher.wanted
        self._old_generation = keeper.watcher.generation
        self._retired: frozenset[int] = frozenset()

    @staticmethod
    def is_possible(keeper: Keeper) -> bool:
        """Whether there are, or are to be, processes that others can take over from."""
        return keeper.watcher.is_up and keeper.holder is None

    async def prepare(self) -> None:
        """Start the new generation and wait for it; raises ReloadError, rolled back, where it will not serve."""
        keeper, watcher = self._keeper, self._keeper.watcher
        if self._new_config.numprocesses != self._old_config.numprocesses:
            watcher.wanted = self._new_config.numprocesses
        keeper.change_config(self._new_config)
        watcher.begin_generation()
        keeper.converge()
        try:
            await keeper.wait_until(lambda: self.failure() is not None or watcher.has_all_ready())
            if self._new_config.ready.form is ReadinessForm.NONE and self.failure() is None:
                await self._settle()
        except CommandError as error:
            await self.roll_back(str(error))
            raise ReloadError(str(error)) from None
        reason = self.failure()
        if reason is not None:
            await self.roll_back(reason)
            raise ReloadError(f"{reason}; the old processes serve on")

    def failure(self) -> str | None:
        """Why the new generation will not do; None while it may."""
        keeper = self._keeper
        if keeper.reload_failure is None and keeper.watcher.is_up:
            return None
        return f"{keeper.name}: {keeper.reload_failure or f'it is {keeper.watcher.state}'}"

    async def _settle(self) -> None:
        """Without a readiness nothing tells that the new processes work; let them at least not die at once."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_S):
                await self._keeper.wait_until(lambda: self.failure() is not None)

    def take_over(self) -> None:
        """The new generation counts from here on; the old one is asked to go."""
        keeper, watcher = self._keeper, self._keeper.watcher
        self._retired = frozenset(
            pid for pid, each in watcher.processes.items() if each.generation != watcher.generation
        )
        keeper.reload_failure = None
        watcher.end_generation_change()
        keeper.publish(WatcherReloaded(watcher=keeper.name, time=keeper.epoch()))
        for pid in self._retired:
            keeper.stop_process(pid)
        keeper.converge()

    async def wait_retired(self) -> Outcome:
        """Wait for the old generation's end; a stop that overtakes this ends the wait, not the change."""
        with contextlib.suppress(CommandError):
            await self._keeper.wait_until(lambda: self._retired.isdisjoint(self._keeper.watcher.processes))
        started = tuple(process.pid for process in self._keeper.watcher.serving())
        return Outcome(started=started, stopped=tuple(sorted(self._retired)))

    async def roll_back(self, reason: str | None = None) -> None:
        """Take the new generation away and go on with the old one. Without a reason of its own that is no event: it
        follows another watcher, whose event tells why."""
        keeper, watcher = self._keeper, self._keeper.watcher
        new = frozenset(pid for pid, each in watcher.processes.items() if each.generation == watcher.generation)
        keeper.change_config(self._old_config)
        watcher.wanted = self._old_wanted
        watcher.return_to_generation(self._old_generation)
        keeper.reload_failure = None
        for pid in new:
            keeper.stop_process(pid)
        keeper.converge()
        if reason is not None:
            keeper.publish(ReloadFailed(watcher=keeper.name, time=keeper.epoch(), reason=reason))
        await keeper.wait_gone(new)
