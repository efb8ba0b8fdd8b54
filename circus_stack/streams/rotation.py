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

# After the name of an old file that was compressed.
GZ = ".gz"


class Rotation(Protocol):
    """Asked before each write, told when to turn over. Raises OSError where the disk refuses."""

    def room(self, file: LogFile, data: bytes, start: int) -> int:
        """How many bytes of `data` from `start` on may still go into the open file; 0: turn over first."""

    def turn(self, file: LogFile) -> None:
        """Put the file away; the next write opens a new one."""

    def old_files(self, path: Path) -> list[Path]:
        """What was put away of the file at `path` and is kept, compressed or not."""

    def close(self) -> None:
        """No more writes follow for now; they may again later."""


class _Plain:
    """What most rotations have no part in."""

    def old_files(self, path: Path) -> list[Path]:  # noqa: ARG002
        """None that we keep."""
        return []

    def close(self) -> None:
        """Nothing to close."""


class NoRotation(_Plain):
    """One file for ever."""

    def room(self, file: LogFile, data: bytes, start: int) -> int:  # noqa: ARG002
        """All of it."""
        return len(data) - start

    def turn(self, file: LogFile) -> None:
        """Never asked for: there is always room."""


class SizeRotation(_Plain):
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
        while first_free < self._backup_count and _forms(_numbered(file.path, first_free)):
            first_free += 1
        for number in range(first_free - 1, 0, -1):
            _move(_numbered(file.path, number), _numbered(file.path, number + 1))
        newest = _numbered(file.path, 1)
        with contextlib.suppress(FileNotFoundError):
            file.path.rename(newest)
            old_name(newest).unlink(missing_ok=True)
        file.close()

    def old_files(self, path: Path) -> list[Path]:
        """The newest first."""
        numbers = range(1, self._backup_count + 1)
        return [form for number in numbers for form in _forms(_numbered(path, number))]


class TimedRotation(_Plain):
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
            old_name(old).unlink(missing_ok=True)

    def _began_at(self, file: LogFile) -> float:
        """When the lines of an existing file were last written: a file of yesterday turns over at once."""
        with contextlib.suppress(OSError):
            if file.size > 0:
                return min(file.modified_at(), self._clock())
        return self._clock()

    def old_files(self, path: Path) -> list[Path]:
        """The oldest first."""
        pattern = re.compile(re.escape(path.name) + self._calendar.suffix_pattern + rf"({re.escape(GZ)})?")
        return sorted(entry for entry in path.parent.iterdir() if pattern.fullmatch(entry.name))

    def _too_old(self, path: Path) -> list[Path]:
        if self._backup_count <= 0:
            return []
        dated = sorted({entry.with_name(entry.name.removesuffix(GZ)) for entry in self.old_files(path)})
        return dated[: -self._backup_count]


class WatchedPath(_Plain):
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
    while _forms(candidate):
        number += 1
        candidate = _numbered(path, number)
    return candidate


def old_name(path: Path) -> Path:
    """What an old file is called once it is compressed."""
    return path.with_name(path.name + GZ)


def _forms(path: Path) -> list[Path]:
    """An old file as it may stand on the disk: plain, compressed, or both where a crash came in between."""
    return [form for form in (path, old_name(path)) if form.exists()]


def _move(path: Path, target: Path) -> None:
    """Rename an old file in all its forms; none of what was there is left."""
    path.rename(target) if path.exists() else target.unlink(missing_ok=True)
    old_name(path).rename(old_name(target)) if old_name(path).exists() else old_name(target).unlink(missing_ok=True)
