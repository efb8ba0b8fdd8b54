"""When a log file ends and the next begins, and what becomes of the old ones. No line is cut or lost by it."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from circus_stack.streams.calendar import Calendar
from circus_stack.streams.logfile import LogFile


class Rotation(Protocol):
    """Asked before each write, told when to turn over. Raises OSError where the disk refuses."""

    def room(self, file: LogFile, data: bytes, start: int) -> int:
        """How many bytes of `data` from `start` on may still go into the open file; 0: turn over first."""

    def turn(self, file: LogFile) -> None:
        """Put the file away; the next write opens a new one."""


class NoRotation:
    """One file for ever."""

    def room(self, file: LogFile, data: bytes, start: int) -> int:  # noqa: ARG002
        """All of it."""
        return len(data) - start

    def turn(self, file: LogFile) -> None:
        """Never asked for: there is always room."""


class SizeRotation:
    """At most `max_bytes` a file, `backup_count` old ones: `app.log.1` is the newest of them."""

    def __init__(self, max_bytes: int, backup_count: int) -> None:
        self._max_bytes = max_bytes
        self._backup_count = backup_count

    def room(self, file: LogFile, data: bytes, start: int) -> int:
        """Whole lines only; a line that is longer than a file may be gets a file of its own."""
        free = self._max_bytes - file.size
        if len(data) - start <= free:
            return len(data) - start
        if free > 0 and (end := data.rfind(b"\n", start, start + free) + 1):
            return end - start
        if file.size > 0:
            return 0
        return (data.find(b"\n", start) + 1 or len(data)) - start

    def turn(self, file: LogFile) -> None:
        """`app.log.2` to `app.log.3`, `app.log.1` to `app.log.2`, `app.log` to `app.log.1`."""
        first_free = 1
        while first_free < self._backup_count and _numbered(file.path, first_free).exists():
            first_free += 1
        for number in range(first_free - 1, 0, -1):
            _numbered(file.path, number).rename(_numbered(file.path, number + 1))
        with contextlib.suppress(FileNotFoundError):
            file.path.rename(_numbered(file.path, 1))
        file.close()


class TimedRotation:
    """A file for each interval; an old one is named after the time that it began at."""

    def __init__(self, calendar: Calendar, backup_count: int, clock: Callable[[], float] = time.time) -> None:
        self._calendar = calendar
        self._backup_count = backup_count
        self._clock = clock
        self._until: float | None = None

    def room(self, file: LogFile, data: bytes, start: int) -> int:
        """All of it, until the interval of the open file is over."""
        if self._until is None:
            self._until = self._calendar.next_turn(self._began_at(file))
        return 0 if self._clock() >= self._until else len(data) - start

    def turn(self, file: LogFile) -> None:
        """The old file gets its date, files past `backup_count` go."""
        now = self._clock()
        if self._until is not None and file.size > 0:
            with contextlib.suppress(FileNotFoundError):
                file.path.rename(_unused(self._calendar.dated(file.path, self._until)))
            file.close()
        self._until = self._calendar.next_turn(now)
        for old in self._too_old(file.path):
            old.unlink(missing_ok=True)

    def _began_at(self, file: LogFile) -> float:
        """When the lines of an existing file were last written: a file of yesterday turns over at once."""
        with contextlib.suppress(OSError):
            if file.size > 0:
                return min(file.modified_at(), self._clock())
        return self._clock()

    def _too_old(self, path: Path) -> list[Path]:
        if self._backup_count <= 0:
            return []
        pattern = re.compile(re.escape(path.name) + self._calendar.suffix_pattern)
        dated = sorted(entry for entry in path.parent.iterdir() if pattern.fullmatch(entry.name))
        return dated[: -self._backup_count]


class WatchedPath:
    """Another program (logrotate) moves the file away: begin a new one once the path leads elsewhere."""

    def room(self, file: LogFile, data: bytes, start: int) -> int:
        """All of it, while the path leads to the open file."""
        return len(data) - start if file.is_at_path() else 0

    def turn(self, file: LogFile) -> None:
        """The file was moved already: it is only closed."""
        file.close()


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


def _unused(path: Path) -> Path:
    """`path`, or with a number after it: where the clock was set back, an old file must not be overwritten."""
    candidate, number = path, 0
    while candidate.exists():
        number += 1
        candidate = _numbered(path, number)
    return candidate
