"""FileStream, WatchedFileStream and TimedRotatingFileStream: their options, and how they are opened."""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from circus_stack.config import kinds
from circus_stack.config.option import Change, option
from circus_stack.streams.calendar import Calendar
from circus_stack.streams.compression import CompressedRotation
from circus_stack.streams.joining import Join, joiner
from circus_stack.streams.logfile import LogFile
from circus_stack.streams.place import Place
from circus_stack.streams.rotation import NoRotation, Rotation, SizeRotation, TimedRotation, WatchedPath
from circus_stack.streams.sinks.file import FileSink

_log = logging.getLogger(__name__)
# Of a watcher's name in that of a temporary file, which has 255 bytes at most.
_LONGEST = 40
WHEN = kinds.choice("S", "M", "H", "D", "MIDNIGHT", "W0", "W1", "W2", "W3", "W4", "W5", "W6")


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedFileOptions:
    """Options of WatchedFileStream, which every file has."""

    filename: str = option(
        "", kinds.TEXT, "File that the lines are appended to; a temporary file without it.", change=Change.APPLY
    )
    time_format: str = option(
        "", kinds.TEXT, "Prefix each line with the time in this strftime form and with the pid.", change=Change.APPLY
    )
    pid: bool = option(False, kinds.BOOL, "Prefix each line with the pid.", change=Change.APPLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatedFileOptions(WatchedFileOptions):
    """What files have in common that are rotated by us."""

    backup_count: int = option(
        0, kinds.COUNT, "How many old files are kept; 0: all, and with max_bytes none.", change=Change.APPLY
    )
    compress: str = option("none", kinds.choice("none", "gzip"), "What becomes of old files.", change=Change.APPLY)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOptions(RotatedFileOptions):
    """Options of FileStream."""

    max_bytes: int = option(
        0, kinds.COUNT, "Begin a new file before this size; 0, or no backup_count: never.", change=Change.APPLY
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRotatingFileOptions(RotatedFileOptions):
    """Options of TimedRotatingFileStream."""

    rotate_when: str = option("H", WHEN, "Unit of rotate_interval, MIDNIGHT, or a weekday.", change=Change.APPLY)
    rotate_interval: int = option(1, kinds.COUNT, "A new file after so many units.", change=Change.APPLY)
    utc: bool = option(False, kinds.BOOL, "Days and names of files in UTC.", change=Change.APPLY)


def open_file(options: FileOptions, place: Place) -> FileSink:
    """FileStream."""
    return file_sink(options, _joiner(options), by_size(options.max_bytes, options.backup_count), place)


def open_watched_file(options: WatchedFileOptions, place: Place) -> FileSink:
    """WatchedFileStream."""
    return FileSink(LogFile(path_of(options, place)), _joiner(options), WatchedPath())


def open_timed_file(options: TimedRotatingFileOptions, place: Place) -> FileSink:
    """TimedRotatingFileStream."""
    rotation = by_time(options.rotate_when, options.rotate_interval, options.backup_count, utc=options.utc)
    return file_sink(options, _joiner(options), rotation, place)


def by_size(max_bytes: int, backup_count: int) -> Rotation:
    """Without both numbers the file just grows: the old lines would have to be thrown away."""
    return SizeRotation(max_bytes, backup_count) if max_bytes and backup_count else NoRotation()


def by_time(when: str, interval: int, backup_count: int, *, utc: bool) -> Rotation:
    """`when` is one of WHEN."""
    return TimedRotation(Calendar(when, max(1, interval), utc), backup_count)


def file_sink(options: RotatedFileOptions, join: Join, rotation: Rotation, place: Place) -> FileSink:
    """A sink of a file that is rotated by us."""
    path = path_of(options, place)
    if options.compress != "none":
        rotation = CompressedRotation(rotation, path)
    return FileSink(LogFile(path), join, rotation)


def path_of(options: WatchedFileOptions, place: Place) -> Path:
    """Where the file is; a temporary one is made where the options name none."""
    if options.filename:
        return Path(options.filename).absolute()
    # The name of a watcher may hold what leads out of the directory.
    watcher = place.watcher.replace("/", "_")[:_LONGEST]
    fd, name = tempfile.mkstemp(prefix=f"{watcher}-{place.stream}-", suffix=".log")
    os.close(fd)
    _log.warning("no filename for %s of %s: writing to %s", place.stream, place.watcher, name)
    return Path(name)


def _joiner(options: WatchedFileOptions) -> Join:
    return joiner(options.time_format, with_pid=options.pid)
