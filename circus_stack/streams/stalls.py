"""Finds lanes whose sink is stuck: full, and not a byte written for a while. A timer runs only while a lane is full."""

from __future__ import annotations

import asyncio

from circus_stack.streams.lane import Lane


class StallWatch:
    """Lives in the loop. `timeout_s`: how long a sink may make no progress before lines are dropped."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        self._loop = loop
        self.timeout_s = timeout_s
        self._timers: dict[Lane, asyncio.TimerHandle] = {}

    def watch(self, lane: Lane) -> None:
        """`lane` is full: see to it that this does not last."""
        if lane not in self._timers:
            self._arm(lane)

    def close(self) -> None:
        """Stop all timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _arm(self, lane: Lane) -> None:
        self._timers[lane] = self._loop.call_later(self.timeout_s, self._check, lane, lane.ticks)

    def _check(self, lane: Lane, ticks_before: int) -> None:
        del self._timers[lane]
        if not lane.is_awaited:
            return
        if lane.ticks == ticks_before:
            lane.stall(f"has taken nothing for {self.timeout_s:g} s")
        else:
            self._arm(lane)
