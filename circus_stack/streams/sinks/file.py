"""Sinks that append to a file: plain, rotated by size or by time, or watched for another's rotation."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from circus_stack.config import kinds
from circus_stack.config.option import Change, option
from circus_stack.streams.block import Block
from circus_stack.streams.calendar import Calendar
from circus_stack.streams.joining import RawJoiner, prefix_lines
from circus_stack.streams.logfile import LogFile, WriteError
from circus_stack.streams.place import Place
from circus_stack.streams.rotation import NoRotation, Rotation, SizeRotation, TimedRotation, WatchedPath
from circus_stack.streams.sink import SinkError, Tick

# After a rotation that failed (a directory without write permission) the lines go on into the old file this long.
ROTATION_PAUSE_S = 60.0

_log = logging.getLogger(__name__)
_FILENAME = "File that the lines are appended to; a temporary file without it."
_TIME_FORMAT = "Prefix each line with the time in this strftime form and with the pid."


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions:
    """Options of FileStream."""

    filename: str = option("", kinds.TEXT, _FILENAME, change=Change.APPLY)
    time_format: str = option("", kinds.TEXT, _TIME_FORMAT, change=Change.APPLY)
    max_bytes: int = option(
        0, kinds.COUNT, "Begin a new file before this size; 0, or no backup_count: never.", change=Change.APPLY
    )
    backup_count: int = option(0, kinds.COUNT, "How many old files are kept.", change=Change.APPLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedFileOptions:
    """Options of WatchedFileStream."""

    filename: str = option("", kinds.TEXT, _FILENAME, change=Change.APPLY)
    time_format: str = option("", kinds.TEXT, _TIME_FORMAT, change=Change.APPLY)


_WHEN = kinds.choice("S", "M", "H", "D", "MIDNIGHT", "W0", "W1", "W2", "W3", "W4", "W5", "W6")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRotatingFileOptions:
    """Options of TimedRotatingFileStream."""

    filename: str = option("", kinds.TEXT, _FILENAME, change=Change.APPLY)
    time_format: str = option("", kinds.TEXT, _TIME_FORMAT, change=Change.APPLY)
    backup_count: int = option(0, kinds.COUNT, "How many old files are kept; 0: all.", change=Change.APPLY)
    rotate_when: str = option("H", _WHEN, "Unit of rotate_interval, MIDNIGHT, or a weekday.", change=Change.APPLY)
    rotate_interval: int = option(1, kinds.COUNT, "A new file after so many units.", change=Change.APPLY)
    utc: bool = option(False, kinds.BOOL, "Days and names of files in UTC.", change=Change.APPLY)


class FileSink:
    """Appends to one file; `rotation` says when it ends, `join` what the bytes of some blocks are."""

    def __init__(
        self,
        file: LogFile,
        join: Callable[[Sequence[Block]], bytes],
        rotation: Rotation,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._join = join
        self._rotation = rotation
        self._clock = clock
        self._no_rotation_before = float("-inf")

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        """Append all of it, over as many files as the rotation wants; SinkError names what was lost."""
        data = self._join(blocks)
        start = 0
        while start < len(data):
            try:
                room = self._room(data, start)
                # Without a copy where all fits, which is nearly always.
                self._file.append(data if room == len(data) else memoryview(data)[start : start + room], tick)
            except WriteError as error:
                lost = data[start + error.done :]
                raise SinkError(f"failed: {error}", last_lines(blocks, lost)) from error
            start += room

    def close(self) -> None:
        """Close the file; a write would open it again."""
        self._file.close()

    def _room(self, data: bytes, start: int) -> int:
        """How much fits; the file was turned over before, if it was time."""
        while True:
            self._open()
            if not self._file.is_regular or self._clock() < self._no_rotation_before:
                return len(data) - start
            room = self._rotation.room(self._file, data, start)
            if room > 0:
                return room
            self._turn()

    def _open(self) -> None:
        try:
            self._file.open()
        except OSError as error:
            raise WriteError(error, 0) from error

    def _turn(self) -> None:
        try:
            self._rotation.turn(self._file)
        except OSError as error:
            self._no_rotation_before = self._clock() + ROTATION_PAUSE_S
            _log.warning("cannot rotate %s: %s; going on in the same file", self._file.path, error)


class TimedPrefix:
    """Joins blocks with `<time> [<pid>] | ` before each line."""

    def __init__(self, time_format: str) -> None:
        self._time_format = time_format

    def join(self, blocks: Sequence[Block]) -> bytes:
        """The bytes to write for `blocks`."""
        return b"".join(prefix_lines(block.data, self._prefix(block)) for block in blocks)

    def _prefix(self, block: Block) -> bytes:
        moment = datetime.fromtimestamp(block.time).strftime(self._time_format)
        return f"{moment} [{block.origin.pid}] | ".encode()


def last_lines(blocks: Sequence[Block], lost: bytes) -> list[Block]:
    """The part of `blocks` whose lines stand in `lost`, which is the end of what they were joined to."""
    missing = lost.count(b"\n") + (not lost.endswith(b"\n"))
    found: list[Block] = []
    for block in reversed(blocks):
        if missing <= 0:
            break
        lines = block.data.removesuffix(b"\n").split(b"\n")
        end = b"" if block.is_open else b"\n"
        found.append(Block(block.origin, block.time, b"\n".join(lines[-missing:]) + end))
        missing -= len(lines)
    return found


def open_file(options: FileOptions, place: Place) -> FileSink:
    """FileStream."""
    rotation: Rotation = NoRotation()
    if options.max_bytes and options.backup_count:
        rotation = SizeRotation(options.max_bytes, options.backup_count)
    return _file_sink(options.filename, options.time_format, rotation, place)


def open_watched_file(options: WatchedFileOptions, place: Place) -> FileSink:
    """WatchedFileStream."""
    return _file_sink(options.filename, options.time_format, WatchedPath(), place)


def open_timed_file(options: TimedRotatingFileOptions, place: Place) -> FileSink:
    """TimedRotatingFileStream."""
    calendar = Calendar(options.rotate_when, max(1, options.rotate_interval), options.utc)
    return _file_sink(options.filename, options.time_format, TimedRotation(calendar, options.backup_count), place)


def _file_sink(filename: str, time_format: str, rotation: Rotation, place: Place) -> FileSink:
    path = Path(filename).absolute() if filename else _temporary(place)
    join = TimedPrefix(time_format).join if time_format else RawJoiner().join
    return FileSink(LogFile(path), join, rotation)


def _temporary(place: Place) -> Path:
    _, name = tempfile.mkstemp(prefix=f"{place.watcher}-{place.stream}-", suffix=".log")
    _log.warning("no filename for %s of %s: writing to %s", place.stream, place.watcher, name)
    return Path(name)
