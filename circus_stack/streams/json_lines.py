"""Lines as JSON objects, one a line. Imported only where asked for, since msgspec costs time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from circus_stack.streams.block import Block

_encoder = msgspec.json.Encoder()


class JsonLine(msgspec.Struct):
    """A line of a process; bytes that are no UTF-8 stand in `message` as `\\xff`."""

    time: str
    watcher: str
    wid: int
    pid: int
    stream: str
    message: str


def utc_text(epoch_s: float) -> str:
    """RFC 3339 with milliseconds."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encode_block(block: Block, time_text: Callable[[float], str] = utc_text) -> bytes:
    """An object a line, each with its newline."""
    origin, time = block.origin, time_text(block.time)
    return _encoder.encode_lines(
        [
            JsonLine(time, origin.watcher, origin.wid, origin.pid, origin.stream, message_text(line))
            for line in block.lines()
        ]
    )


def message_text(line: bytes) -> str:
    """A line without the carriage return that belongs to its end."""
    return line.removesuffix(b"\r").decode("utf-8", "backslashreplace")


class JsonJoiner:
    """`time` in a strftime form and local time; RFC 3339 in UTC without one."""

    def __init__(self, time_format: str) -> None:
        self._time_format = time_format

    def join(self, blocks: Sequence[Block]) -> bytes:
        """The bytes to write for `blocks`."""
        return b"".join(encode_block(block, self._time_text) for block in blocks)

    def _time_text(self, epoch_s: float) -> str:
        if not self._time_format:
            return utc_text(epoch_s)
        return datetime.fromtimestamp(epoch_s).strftime(self._time_format)
