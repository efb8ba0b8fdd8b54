"""Rows out of a statistics channel alone, record by record: what Circus's own circus-top shows. Pure.

There are no states in it, and nobody tells that a process has gone: it is taken for gone when it was not told of for a
while.
"""

from __future__ import annotations

from typing import Any

from circus_stack.client.stats.records import Figures, ProcessStats, Record, SocketStats
from circus_stack.top.merge import socket_row
from circus_stack.top.rows import ProcessRow, SocketRow, WatcherRow

# More than that is no stack, but somebody who fills our memory.
_MOST = 20_000


class Board:
    """What was told last of each process and socket. `silence_s` without a word, and it is gone."""

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self._processes: dict[tuple[str, int], tuple[float, ProcessRow]] = {}
        self._sockets: dict[str, tuple[float, SocketRow]] = {}

    def apply(self, record: Record, now: float) -> None:
        """Take in what was told; `now` is in seconds of any clock. Sums are made here, over those that are there."""
        if len(self._processes) + len(self._sockets) >= _MOST:
            return
        if isinstance(record, SocketStats):
            self._sockets[record.name] = (now, socket_row(record))
        elif isinstance(record, ProcessStats):
            self._processes[record.watcher, record.pid] = (now, _process(record))

    def watchers(self, now: float) -> tuple[WatcherRow, ...]:
        """The watchers by name, with those of their processes that were told of lately."""
        self._forget(now)
        found: dict[str, list[ProcessRow]] = {}
        for (watcher, _), (_, row) in sorted(self._processes.items(), key=lambda item: item[0]):
            found.setdefault(watcher, []).append(row)
        return tuple(_watcher(name, tuple(rows)) for name, rows in found.items())

    def sockets(self) -> tuple[SocketRow, ...]:
        """The sockets, likewise."""
        return tuple(self._sockets[name][1] for name in sorted(self._sockets))

    def _forget(self, now: float) -> None:
        oldest = now - self._silence_s
        self._processes = {key: each for key, each in self._processes.items() if each[0] >= oldest}
        self._sockets = {key: each for key, each in self._sockets.items() if each[0] >= oldest}


def total_of(watchers: tuple[WatcherRow, ...]) -> Figures:
    """The sum over all processes."""
    return _sum(tuple(row for watcher in watchers for row in watcher.processes))


def _process(record: ProcessStats) -> ProcessRow:
    return ProcessRow(
        pid=record.pid,
        age=record.age,
        command=record.role or record.command,
        user=record.user,
        figures=record.figures,
    )


def _watcher(name: str, processes: tuple[ProcessRow, ...]) -> WatcherRow:
    ages = [each.age for each in processes if each.age is not None]
    return WatcherRow(name=name, age=max(ages, default=None), figures=_sum(processes), processes=processes)


def _sum(processes: tuple[ProcessRow, ...]) -> Figures:
    def known(field: str) -> list[Any]:
        return [value for each in processes if (value := getattr(each.figures, field)) is not None]

    sums = {field: sum(values) for field in _SUMMED if (values := known(field))}
    return Figures(**sums, p99=max(known("p99"), default=None))


# Of latencies there are no sums, and several processes may be in one group.
_SUMMED = tuple(each for each in Figures.__struct_fields__ if not each.startswith(("group_", "p50", "p95", "p99")))
