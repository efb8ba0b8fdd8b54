"""Lines that were dropped: the count of them, and the one who tells it, now and then while it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from circus_stack.streams.block import Block, StreamName
from circus_stack.streams.wake import call_in_loop

if TYPE_CHECKING:
    from circus_stack.streams.lane import Lane

# A full disk fails at each write: told each time it would be a flood of its own. The pauses double while it goes on.
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 16.0


@dataclass(frozen=True, slots=True)
class Dropped:
    """Lines of one stream of a watcher that a sink did not take since the last report."""

    sink: str
    watcher: str
    stream: StreamName
    lines: int
    bytes: int
    reason: str

    def __str__(self) -> str:
        lines = "1 line" if self.lines == 1 else f"{self.lines} lines"
        whose = f"of {self.watcher}'s {self.stream}" if self.watcher else "of our own messages"
        return f"{lines} ({self.bytes} bytes) {whose} dropped: {self.sink} {self.reason}"


class DropTally:
    """Counts drops until they are collected. The owner serialises the calls."""

    def __init__(self, sink: str) -> None:
        self._sink = sink
        self._counts: dict[tuple[str, StreamName], tuple[int, int]] = {}
        self._reason = ""

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, blocks: Iterable[Block], reason: str) -> None:
        """Count the lines of `blocks`; the newest reason is the one that is told."""
        self._reason = reason
        for block in blocks:
            key = (block.origin.watcher, block.origin.stream)
            lines, size = self._counts.get(key, (0, 0))
            self._counts[key] = (lines + block.count_lines(), size + len(block.data))

    def collect(self) -> list[Dropped]:
        """What was counted since the last call."""
        dropped = [
            Dropped(self._sink, watcher, stream, lines, size, self._reason)
            for (watcher, stream), (lines, size) in self._counts.items()
        ]
        self._counts.clear()
        return dropped


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
