"""Rows out of a statistics channel alone, message by message: what Circus's own circus-top shows. Pure.

There are no states in it, and nobody tells that a process has gone: it is taken for gone when it was not told of for a
while.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from circus_stack.top.merge import figures_of
from circus_stack.top.rows import Figures, ProcessRow, SocketRow, WatcherRow

Fields = Mapping[str, Any]

_PREFIX = "stat."
_SOCKETS = "sockets"
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([BKMGTP]?)")
_POWERS = "BKMGTP"
# More than that is no stack, but somebody who fills our memory.
_MOST = 20_000


class Board:
    """What was told last of each process and socket. `silence_s` without a word, and it is gone."""

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self._processes: dict[tuple[str, int], tuple[float, ProcessRow]] = {}
        self._sockets: dict[str, tuple[float, SocketRow]] = {}

    def apply(self, topic: str, fields: Fields, now: float) -> None:
        """Take in one message; `now` is in seconds of any clock. What is not understood is passed over."""
        if not topic.startswith(_PREFIX):
            return
        watcher, _, last = topic.removeprefix(_PREFIX).rpartition(".")
        if not watcher or not last.isdecimal() or len(self._processes) + len(self._sockets) >= _MOST:
            return
        if watcher == _SOCKETS:
            self._sockets[last] = (now, _socket(last, fields))
        else:
            self._processes[watcher, int(last)] = (now, _process(int(last), fields))

    def watchers(self, now: float) -> tuple[WatcherRow, ...]:
        """The watchers by name, with those of their processes that were told of lately."""
        self._forget(now)
        found: dict[str, list[ProcessRow]] = {}
        for (watcher, _), (_, row) in sorted(self._processes.items()):
            found.setdefault(watcher, []).append(row)
        return tuple(_watcher(name, tuple(rows)) for name, rows in found.items())

    def sockets(self) -> tuple[SocketRow, ...]:
        """The sockets, likewise."""
        return tuple(row for _, (_, row) in sorted(self._sockets.items()))

    def _forget(self, now: float) -> None:
        oldest = now - self._silence_s
        self._processes = {key: each for key, each in self._processes.items() if each[0] >= oldest}
        self._sockets = {key: each for key, each in self._sockets.items() if each[0] >= oldest}


def total_of(watchers: tuple[WatcherRow, ...]) -> Figures:
    """The sum over all processes."""
    return _sum(tuple(row for watcher in watchers for row in watcher.processes))


def _process(pid: int, fields: Fields) -> ProcessRow:
    known = dict(fields)
    # Circus has memory as a text alone, and "N/A" where it knows nothing.
    known.setdefault("rss", _bytes(fields.get("mem_info1")))
    known.setdefault("vms", _bytes(fields.get("mem_info2")))
    age = fields.get("age")
    return ProcessRow(
        pid=pid,
        age=float(age) if isinstance(age, int | float) else None,
        command=str(fields.get("name") or fields.get("cmdline") or ""),
        user=str(fields.get("username") or ""),
        figures=figures_of(known),
    )


def _bytes(text: object) -> int | None:
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    return None if match is None else int(float(match[1]) * 1024 ** _POWERS.index(match[2] or "B"))


def _watcher(name: str, processes: tuple[ProcessRow, ...]) -> WatcherRow:
    ages = [each.age for each in processes if each.age is not None]
    return WatcherRow(name=name, age=max(ages, default=None), figures=_sum(processes), processes=processes)


def _sum(processes: tuple[ProcessRow, ...]) -> Figures:
    def known(field: str) -> list[Any]:
        return [value for each in processes if (value := getattr(each.figures, field)) is not None]

    sums = {field: sum(values) for field in ("cpu", "rss", "vms", "threads", "rps", "busy") if (values := known(field))}
    return Figures(**sums, p99=max(known("p99"), default=None))


def _socket(fd: str, fields: Fields) -> SocketRow:
    reads = fields.get("reads")
    return SocketRow(
        name=fd,
        address=str(fields.get("address", "")),
        accepted_per_s=float(reads) if isinstance(reads, int | float) else None,
    )
