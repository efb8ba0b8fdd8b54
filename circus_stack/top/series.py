"""The figures of the last minutes, for graphs: what circusd-stats remembers, then what each tick brings. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from circus_stack.client.stats.records import Figures
from circus_stack.top.lines import Key
from circus_stack.top.rows import StackRow

FIELDS = ("cpu", "rss", "rps", "p99", "busy")
# Seconds that a graph goes back, one point each: what circusd-stats keeps at its finest.
SPAN = 900


class Series:
    """Points of one watcher, process or stack: (seconds since the epoch, a value for each of FIELDS)."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, tuple[float | None, ...]]] = deque(maxlen=SPAN)

    def fill(self, times: Sequence[float], columns: Mapping[str, Sequence[float | None]], step: int = 1) -> None:
        """Put a history before what is here already; its points are `step` seconds apart."""
        first = self._points[0][0] if self._points else float("inf")
        empty: list[float | None] = [None] * len(times)
        rows = zip(*(columns.get(field, empty) for field in FIELDS), strict=True)
        # A point is drawn as a second: one of a coarser history stands for as many as it covers.
        older = [
            (moment + second, tuple(row))
            for moment, row in zip(times, rows, strict=True)
            for second in range(step)
            if moment + second < first
        ]
        self._points = deque([*older, *self._points], maxlen=SPAN)

    def add(self, moment: float, figures: Figures) -> None:
        """One more point; a second one of the same moment is left out."""
        if not self._points or moment > self._points[-1][0]:
            self._points.append((moment, tuple(getattr(figures, field) for field in FIELDS)))

    def last(self, field: str, count: int) -> list[float | None]:
        """The newest values of a field, the newest last."""
        which, length = FIELDS.index(field), len(self._points)
        return [self._points[index][1][which] for index in range(max(0, length - count), length)]

    def __len__(self) -> int:
        return len(self._points)


class Memory:
    """The series of all that is shown."""

    def __init__(self) -> None:
        self._series: dict[Key, Series] = {}

    def of(self, key: Key) -> Series:
        """The series of a line; an empty one for what is new."""
        return self._series.setdefault(key, Series())

    def add(self, stack: StackRow) -> None:
        """Take in a tick, and forget what is gone from the stack."""
        there = {key for key, figures in _all(stack) if self._add(key, stack.time, figures)}
        for key in [key for key in self._series if key[0] == stack.name and key not in there]:
            del self._series[key]

    def _add(self, key: Key, moment: float, figures: Figures) -> bool:
        self.of(key).add(moment, figures)
        return True

    def fill(self, key: Key, history: Mapping[str, Any]) -> None:
        """Take in a reply to `history`."""
        self.of(key).fill(history.get("times", ()), history, history.get("step", 1))


def _all(stack: StackRow) -> Iterable[tuple[Key, Figures]]:
    yield (stack.name, "", 0), stack.figures
    for watcher in stack.watchers:
        yield (stack.name, watcher.name, 0), watcher.figures
        for process in watcher.processes:
            yield (stack.name, watcher.name, process.pid), process.figures
