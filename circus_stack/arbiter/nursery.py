"""The zygotes of one watcher: one for the generation that counts, started when it is wanted, and again when it ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from circus_stack.arbiter.backoff import RAN_WELL_AFTER_S, SHORTAGE_S, Schedule
from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.secret_environment import spawn_variables_aside
from circus_stack.arbiter.zygote import Zygote, ZygoteView
from circus_stack.errors import ResourceShortageError, SpawnError
from circus_stack.events import SpawnFailed

log = logging.getLogger(__name__)


class Nursery:
    """`on_change()` is called when one may be tried again after a failure."""

    def __init__(self, charge: Charge, on_change: Callable[[], None]) -> None:
        self._charge = charge
        self._on_change = on_change
        self._zygotes: dict[int, Zygote] = {}
        # Those that are on their way out.
        self._leaving: set[Zygote] = set()
        # Of the generation that has failed last: another one is another attempt.
        self._failures = 0
        self._failed_generation = 0
        self._retry: asyncio.TimerHandle | None = None

    # -- questions --------------------------------------------------------------------------------------------

    @property
    def is_paused(self) -> bool:
        """Whether the last one has failed, and none may be started yet."""
        return self._retry is not None and self._failed_generation == self._charge.watcher.generation

    @property
    def is_empty(self) -> bool:
        """Whether there is no process of any."""
        return not self._zygotes and not self._leaving

    def pids(self) -> tuple[int, ...]:
        """Those from which more may be forked."""
        return tuple(each.pid for each in self._zygotes.values() if each.pid)

    def views(self) -> tuple[ZygoteView, ...]:
        """Those that there are, by generation."""
        found = (each.view() for _, each in sorted(self._zygotes.items()))
        return tuple(each for each in found if each is not None)

    # -- what should be ---------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Have what is wanted now, and nothing else: one for the generation that counts, where the watcher is up; that
        of a generation that is about to retire stays, in case that it counts again."""
        watcher = self._charge.watcher
        wanted = {watcher.generation} if watcher.is_up and self._charge.config.preload else set()
        kept = wanted if watcher.retiring is None else {*wanted, watcher.retiring}
        for generation in [each for each in self._zygotes if not watcher.is_up or each not in kept]:
            self._dismiss(self._zygotes.pop(generation))
        if not wanted:
            self._forget_failures()
        elif watcher.generation not in self._zygotes and not self.is_paused:
            self._begin()

    async def loaded(self) -> Zygote:
        """The one of the generation that counts, when it can fork; raises SpawnError where it will not."""
        zygote = self._zygotes.get(self._charge.watcher.generation)
        if zygote is None:
            if self.is_paused:
                raise SpawnError("its zygote has just failed")
            zygote = self._begin()
        await zygote.wait_loaded()
        return zygote

    async def renew(self) -> None:
        """Have a new one, in the place of that of the same generation, from which nothing more is forked then. Raises
        SpawnError where the new one will not do; the old one stays."""
        fresh = self._new()
        self._leaving.add(fresh)
        self._start(fresh)
        try:
            await fresh.wait_loaded()
        except asyncio.CancelledError:
            fresh.end()
            raise
        self._leaving.discard(fresh)
        old = self._zygotes.pop(fresh.generation, None)
        self._zygotes[fresh.generation] = fresh
        if old is not None:
            self._dismiss(old)
        # The watcher may have been stopped meanwhile.
        self.settle()

    def dismiss_all(self) -> None:
        """Have none, whatever the watcher's state: it is nobody's any more."""
        while self._zygotes:
            self._dismiss(self._zygotes.popitem()[1])
        self._forget_failures()

    def kill_all(self) -> None:
        """End all of them now."""
        for zygote in (*self._zygotes.values(), *self._leaving):
            zygote.kill()

    # -- inside -----------------------------------------------------------------------------------------------

    def _new(self) -> Zygote:
        return Zygote(self._charge, self._charge.watcher.generation, self._ended)

    def _begin(self) -> Zygote:
        zygote = self._zygotes[self._charge.watcher.generation] = self._new()
        self._start(zygote)
        return zygote

    def _start(self, zygote: Zygote) -> None:
        # In a turn of its own: where it cannot be started, that is told when whoever asks for it has it.
        self._charge.hooks.background(self._start_aside(zygote))

    async def _start_aside(self, zygote: Zygote) -> None:
        config = self._charge.config
        try:
            secrets = await spawn_variables_aside(self._charge.means.loop, config) if config.has_secrets else {}
        except SpawnError as error:
            zygote.give_up(error)
        else:
            zygote.start(secrets)

    def _dismiss(self, zygote: Zygote) -> None:
        self._leaving.add(zygote)
        zygote.end()

    def _ended(self, zygote: Zygote, reason: SpawnError | None) -> None:
        self._leaving.discard(zygote)
        if self._zygotes.get(zygote.generation) is zygote:
            del self._zygotes[zygote.generation]
            if reason is not None:
                self._note_failure(zygote, reason)
        self._charge.means.pulse.beat()

    def _note_failure(self, zygote: Zygote, reason: SpawnError) -> None:
        charge = self._charge
        if zygote.ready_at is not None:
            log.warning("%s: %s; another one is started, its workers serve on", charge.name, reason)
        ran_well = zygote.ready_at is not None and charge.epoch() - zygote.ready_at >= RAN_WELL_AFTER_S
        if ran_well or zygote.generation != self._failed_generation:
            self._failures = 0
        self._failed_generation = zygote.generation
        charge.publish(SpawnFailed(watcher=charge.name, time=charge.epoch(), reason=str(reason)))
        if isinstance(reason, ResourceShortageError):
            delay_s = SHORTAGE_S
        else:
            self._failures += 1
            delay_s = Schedule.of(charge.config).delay_s(self._failures, charge.means.draw())
        if self._retry is not None:
            self._retry.cancel()
        self._retry = charge.means.loop.call_later(delay_s, self._try_again)

    def _try_again(self) -> None:
        self._retry = None
        self._on_change()

    def _forget_failures(self) -> None:
        self._failures = 0
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
