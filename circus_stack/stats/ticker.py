"""When which watchers are due: at multiples of their intervals, whatever a tick has cost. Samples nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from circus_stack.stats.census import Census, Row


class Ticker:
    """`latest_s` is how late the latest tick has begun, `ticks` how many there were."""

    def __init__(
        self,
        census: Census,
        *,
        tick: Callable[[Iterable[Row]], None],
        tick_stack: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._census = census
        self._tick = tick
        self._tick_stack = tick_stack
        self._clock = clock
        self._due: dict[float, float] = {}
        self.ticks = 0
        self.latest_s = 0.0

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            self.tick_due()
            await asyncio.sleep(self.wait_s())

    def tick_due(self) -> None:
        """All ticks whose time has come."""
        now, groups, base = self._clock(), self._census.intervals(), self._census.interval_s
        # One that nobody has any more is forgotten; the stack's own is always there.
        self._due = {every: self._due.get(every, now) for every in {*groups, base}}
        for every in sorted(self._due):
            if self._due[every] > now:
                continue
            self._note(now - self._due[every])
            self._tick(groups.get(every, ()))
            if every == base:
                self._tick_stack()
            self._due[every] = next_due(self._due[every], every, self._clock())

    def _note(self, late_s: float) -> None:
        self.ticks += 1
        self.latest_s = max(self.latest_s, late_s)

    def wait_s(self) -> float:
        """Seconds until something is due."""
        return max(0.0, min(self._due.values()) - self._clock())


def next_due(due: float, every: float, now: float) -> float:
    """The next multiple: those that passed while the machine slept are left out, not made up for."""
    missed = max(0.0, now - due) // every
    return due + every * (missed + 1)
