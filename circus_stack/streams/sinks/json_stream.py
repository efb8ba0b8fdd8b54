"""JsonStream: one JSON object a line, to a file with the rotations that files have, or to stdout."""

from __future__ import annotations

from dataclasses import dataclass

from circus_stack.config import kinds
from circus_stack.config.option import Change, option
from circus_stack.streams.joining import Join
from circus_stack.streams.json_lines import JsonJoiner
from circus_stack.streams.place import Place
from circus_stack.streams.rotation import Rotation
from circus_stack.streams.sink import Sink
from circus_stack.streams.sinks.console import StdoutSink
from circus_stack.streams.sinks.file_streams import WHEN, RotatedFileOptions, by_size, by_time, file_sink


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonOptions(RotatedFileOptions):
    """Options of JsonStream."""

    filename: str = option(
        "", kinds.TEXT, "File that the objects are appended to; stdout without it.", change=Change.APPLY
    )
    time_format: str = option(
        "", kinds.TEXT, "Form of the time (strftime, local time); RFC 3339 in UTC without it.", change=Change.APPLY
    )
    pid: bool = option(True, kinds.BOOL, "The pid is in each object in any case.", change=Change.APPLY)
    max_bytes: int = option(
        0, kinds.COUNT, "Begin a new file before this size; 0, or no backup_count: never.", change=Change.APPLY
    )
    rotate_when: str | None = option(
        None, WHEN, "Unit of rotate_interval, MIDNIGHT, or a weekday; never without it.", change=Change.APPLY
    )
    rotate_interval: int = option(1, kinds.COUNT, "A new file after so many units.", change=Change.APPLY)
    utc: bool = option(False, kinds.BOOL, "Days and names of files in UTC.", change=Change.APPLY)

    def __post_init__(self) -> None:
        if self.max_bytes and self.rotate_when is not None:
            raise ValueError("max_bytes and rotate_when are two rotations of one file: choose one")


def open_json(options: JsonOptions, place: Place) -> Sink:
    """JsonStream."""
    join: Join = JsonJoiner(options.time_format).join
    if not options.filename:
        return StdoutSink(place.console.stdout, join)
    return file_sink(options, join, _rotation(options), place)


def _rotation(options: JsonOptions) -> Rotation:
    if options.rotate_when is None:
        return by_size(options.max_bytes, options.backup_count)
    return by_time(options.rotate_when, options.rotate_interval, options.backup_count, utc=options.utc)
