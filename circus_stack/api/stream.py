"""The classes of `circus.stream`, for streams of one's own that build on them: called with a record, they write it.

Each is one of our sinks, opened with the options that an ini gives it. An ini that names one gets the sink itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from circus_stack.config.values import StreamConfig
from circus_stack.streams.block import Block, Origin
from circus_stack.streams.output import Console
from circus_stack.streams.place import Place
from circus_stack.streams.registry import plan
from circus_stack.streams.sink import Sink
from circus_stack.streams.sinks.queue_stream import QueueStream


class _Stream:
    """Options are text, or what text can be made of. Raises ConfigError for a wrong one."""

    def __init__(self, **options: Any) -> None:
        texts = {key: str(value) for key, value in options.items() if value is not None}
        self._plan = plan(StreamConfig(type(self)._shipped(), texts))
        self._sink: Sink | None = None

    @classmethod
    def _shipped(cls) -> str:
        """The name of the class of ours that this one is, or builds on."""
        return next(each.__name__ for each in cls.__mro__ if each.__module__ == __name__)

    def open(self) -> None:
        """Open the file, if there is one; done at the first record otherwise."""
        if self._sink is None:
            self._sink = self._plan.open(Place("", "stdout", Console.of_process()))

    def __call__(self, data: Mapping[str, Any]) -> None:
        """Write `{"data": bytes, "pid": int, "name": "stdout" or "stderr"}`. Raises SinkError."""
        self.open()
        if self._sink is not None and data["data"]:
            origin = Origin("", 0, int(data.get("pid") or os.getpid()), data.get("name") or "stdout")
            self._sink.write([Block(origin, time.time(), data["data"])], lambda: None)

    def close(self) -> None:
        """Close the file. Safe to call twice."""
        if self._sink is not None:
            self._sink.close()
            self._sink = None


class FileStream(_Stream):
    """Options: filename, max_bytes, backup_count, time_format."""


class WatchedFileStream(_Stream):
    """Options: filename, time_format."""


class TimedRotatingFileStream(_Stream):
    """Options: filename, backup_count, time_format, rotate_when, rotate_interval, utc."""


class StdoutStream(_Stream):
    """No option."""


class FancyStdoutStream(_Stream):
    """Options: color, time_format."""


__all__ = [
    "FancyStdoutStream",
    "FileStream",
    "QueueStream",
    "StdoutStream",
    "TimedRotatingFileStream",
    "WatchedFileStream",
]
