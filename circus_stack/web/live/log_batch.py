"""Lines on their way to browsers: gathered for a moment, and no more of them than a browser can take. Pure."""

from __future__ import annotations

from collections import deque
from typing import Any

from circus_stack.client.loglines import LogRecord

# Sent at most ten times a second, that is 10,000 lines: twice what a page must bear.
MOST_LINES = 1000
# Characters of one message; what waits for a browser is bounded by this and by how many messages may wait.
MOST_CHARACTERS = 256 * 1024
# A line of a program gone mad; the rest of it is in the files.
LONGEST_LINE = 8192
# What a row takes beside its text.
_AROUND = 100


class LogBatch:
    """Takes lines, hands them out as one message."""

    def __init__(self) -> None:
        self._lines: deque[list[Any]] = deque()
        self._size = 0
        self._dropped = 0

    def __bool__(self) -> bool:
        return bool(self._lines) or self._dropped > 0

    def add(self, record: LogRecord) -> None:
        """One line more; the oldest goes where there are too many."""
        row = row_of(record)
        self._lines.append(row)
        self._size += _size_of(row)
        while len(self._lines) > MOST_LINES or self._size > MOST_CHARACTERS:
            self._size -= _size_of(self._lines.popleft())
            self._dropped += 1

    def take(self) -> dict[str, Any]:
        """`lines`, each as `row_of` has it, and how many were `dropped` before them; begins anew."""
        found = {"lines": list(self._lines), "dropped": self._dropped}
        self._lines.clear()
        self._size = self._dropped = 0
        return found


def row_of(record: LogRecord) -> list[Any]:
    """[number, seconds since the epoch, watcher, slot, pid, stream, text]."""
    text = record.text if len(record.text) <= LONGEST_LINE else f"{record.text[:LONGEST_LINE]}..."
    return [record.seq, record.time, record.watcher, record.wid, record.pid, record.stream, text]


def _size_of(row: list[Any]) -> int:
    return len(row[-1]) + _AROUND
