"""Tells of dropped lines, now and then while it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

from circus_stack.streams.drops import Dropped
from circus_stack.streams.lane import Lane
from circus_stack.streams.wake import call_in_loop

# A full disk fails at each write: told each time it would be a flood of its own. The pauses double while it goes on.
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 16.0


class DropReporter:
    """Lives in the loop: hears of drops from any thread and tells them, added up."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_drop: Callable[[Dropped], None],
    ) -> None:
        self._loop = loop
        self._on_drop = on_drop
        self._waiting: dict[Lane, asyncio.TimerHandle] = {}
        self._last: WeakKeyDictionary[Lane, tuple[float, float]] = WeakKeyDictionary()

    def note(self, lane: Lane) -> None:
        """`lane` dropped something: callable from any thread."""
        call_in_loop(self._loop, lambda: self._wait(lane))

    def report(self) -> None:
        """Tell now what waits to be told."""
        for lane in tuple(self._waiting):
            self._waiting.pop(lane).cancel()
            self._tell(lane)

    def _wait(self, lane: Lane) -> None:
        if lane not in self._waiting:
            self._waiting[lane] = self._loop.call_later(self._pause_s(lane), self._fire, lane)

    def _pause_s(self, lane: Lane) -> float:
        """How long to add up: twice as long as last time where that was just now."""
        now = self._loop.time()
        told_at, pause_s = self._last.pop(lane, (float("-inf"), 0.0))
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S) if now - told_at < pause_s else FIRST_PAUSE_S
        self._last[lane] = (now + pause_s, pause_s)
        return pause_s

    def _fire(self, lane: Lane) -> None:
        del self._waiting[lane]
        self._tell(lane)

    def _tell(self, lane: Lane) -> None:
        for dropped in lane.collect_drops():
            self._on_drop(dropped)
