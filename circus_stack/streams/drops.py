"""Lines that were dropped, and the count of them."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from circus_stack.streams.block import Block, StreamName


class Dropped(Struct, frozen=True):
    """Lines of one stream of a watcher that a sink did not take since the last report."""

    sink: str
    watcher: str
    stream: StreamName
    lines: int
    bytes: int
    reason: str

    def __str__(self) -> str:
        lines = "1 line" if self.lines == 1 else f"{self.lines} lines"
        whose = f"of {self.watcher}'s {self.stream}" if self.watcher else "of our own messages"
        return f"{lines} ({self.bytes} bytes) {whose} dropped: {self.sink} {self.reason}"


class DropTally:
    """Counts drops until they are collected. The owner serialises the calls."""

    def __init__(self, sink: str) -> None:
        self._sink = sink
        self._counts: dict[tuple[str, StreamName], tuple[int, int]] = {}
        self._reason = ""

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, blocks: Iterable[Block], reason: str) -> None:
        """Count the lines of `blocks`; the newest reason is the one that is told."""
        self._reason = reason
        for block in blocks:
            key = (block.origin.watcher, block.origin.stream)
            lines, size = self._counts.get(key, (0, 0))
            self._counts[key] = (lines + block.count_lines(), size + len(block.data))

    def collect(self) -> list[Dropped]:
        """What was counted since the last call."""
        dropped = [
            Dropped(self._sink, watcher, stream, lines, size, self._reason)
            for (watcher, stream), (lines, size) in self._counts.items()
        ]
        self._counts.clear()
        return dropped
