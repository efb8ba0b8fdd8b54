"""What flows from a pipe to the sinks: blocks of whole lines, and the single lines that are cut from them.

Values only. A block is handed on as it came, many lines at once: no object is made for a line until somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from msgspec import Struct

StreamName = Literal["stdout", "stderr"]

# A line longer than this is passed on in pieces of this size, so that no program can make a line fill the memory.
MAX_LINE = 64 * 1024


class Origin(Struct, frozen=True):
    """Where bytes came from: one stream of one process. An empty `watcher` stands for the arbiter's own words."""

    watcher: str
    wid: int
    pid: int
    stream: StreamName

    @property
    def is_ours(self) -> bool:
        """Whether these are the arbiter's own words."""
        return not self.watcher


class LogLine(Struct, frozen=True):
    """One line without its newline, or a piece of at most 64 KiB of a longer one. `time` is seconds since the epoch."""

    watcher: str
    wid: int
    pid: int
    stream: StreamName
    time: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, each with its newline. Only the last may lack it: a piece of a long line, or the end of a stream.

    `time` is when the block was read, in seconds since the epoch. `data` is never empty. `on_written` is called once,
    in whichever thread, when it was written or dropped.
    """

    origin: Origin
    time: float
    data: bytes
    on_written: Callable[[], None] | None = field(default=None, compare=False, repr=False)

    def settle(self) -> None:
        """There is nothing more to be done with it."""
        if self.on_written is not None:
            self.on_written()

    @property
    def is_open(self) -> bool:
        """Whether the last line has no end yet."""
        return not self.data.endswith(b"\n")

    def count_lines(self) -> int:
        """How many lines begin in it or go on in it."""
        return self.data.count(b"\n") + self.is_open

    def lines(self) -> list[bytes]:
        """The lines without their newlines, cut where one is longer than 64 KiB."""
        return split_lines(self.data)


def split_lines(data: bytes) -> list[bytes]:
    """`data` at its newlines; nothing follows the last newline. No piece is longer than 64 KiB."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    if len(data) <= MAX_LINE:
        return lines
    return [piece for line in lines for piece in _cut(line)]


def _cut(line: bytes) -> list[bytes]:
    if len(line) <= MAX_LINE:
        return [line]
    return [line[start : start + MAX_LINE] for start in range(0, len(line), MAX_LINE)]
