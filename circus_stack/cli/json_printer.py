"""The sink of `--log-format json`: one JSON object a line. Imported only where asked for, since it costs time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from circus_stack.streams.block import Block
from circus_stack.streams.output import Console
from circus_stack.streams.sink import Tick


class JsonLine(msgspec.Struct):
    """A line as `--log-format json` prints it; `time` is RFC 3339 in UTC."""

    time: str
    watcher: str
    wid: int
    pid: int
    stream: str
    message: str


class JsonPrinter:
    """One JSON object a line on stdout, whichever stream it came from; our own words, JSON already, go to stderr."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._encoder = msgspec.json.Encoder()

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        """An object a line to stdout; our own words, which are objects already, to stderr."""
        for block in blocks:
            if block.origin.is_ours:
                self._console.stderr.write(block.data, tick)
            else:
                self._console.stdout.write(self.render(block), tick)

    def close(self) -> None:
        """The arbiter's own output stays open."""

    def render(self, block: Block) -> bytes:
        """The bytes to print for a block."""
        return self._encoder.encode_lines(_records(block))


def utc_text(epoch_s: float) -> str:
    """RFC 3339 with milliseconds."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _records(block: Block) -> list[JsonLine]:
    origin, time = block.origin, utc_text(block.time)
    return [
        JsonLine(time, origin.watcher, origin.wid, origin.pid, origin.stream, _text(line)) for line in block.lines()
    ]


def _text(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", "backslashreplace")
