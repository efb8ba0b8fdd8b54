"""A sink that sends each line as a message of its own to a log server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from circus_stack.streams.block import Block
from circus_stack.streams.sink import SinkError, Tick
from circus_stack.streams.sinks.wire import Wire

# What is put together for one call on a stream.
BATCH = 64 * 1024


class Writer(Protocol):
    """The form of the messages."""

    max_message: int
    """Bytes of a line that go into one message; a longer one is sent in pieces, each a message."""

    def head(self, block: Block) -> bytes:
        """What the messages of a block begin with."""

    def message(self, head: bytes, line: bytes) -> bytes:
        """One message as a datagram."""

    def framed(self, message: bytes) -> bytes:
        """One message as part of a stream."""


class MessageSink:
    """Datagrams go out line by line; on a stream many at once, so that a connection which breaks may bring up to
    64 KiB of lines twice, and never loses some that were not counted."""

    def __init__(self, wire: Wire, writer: Writer) -> None:
        self._wire = wire
        self._writer = writer

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        """Send all lines; SinkError names those that were not sent."""
        lines = [(block, line) for block in blocks for line in block.lines()]
        sent = 0
        try:
            self._wire.connect()
            for count, data in self._packets(blocks):
                self._wire.send(data)
                sent += count
                tick()
        except OSError as error:
            lost = [Block(block.origin, block.time, line + b"\n") for block, line in lines[sent:]]
            raise SinkError(f"failed: {self._wire.address}: {error}", lost) from error

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def _packets(self, blocks: Sequence[Block]) -> Iterator[tuple[int, bytes]]:
        """What is sent with one call, and how many lines end with it."""
        if not self._wire.is_stream:
            yield from self._messages(blocks)
            return
        waiting: list[bytes] = []
        lines = size = 0
        for count, message in self._messages(blocks):
            waiting.append(self._writer.framed(message))
            lines, size = lines + count, size + len(message)
            if size >= BATCH:
                yield lines, b"".join(waiting)
                waiting, lines, size = [], 0, 0
        if waiting:
            yield lines, b"".join(waiting)

    def _messages(self, blocks: Sequence[Block]) -> Iterator[tuple[int, bytes]]:
        limit = self._writer.max_message
        for block in blocks:
            head = self._writer.head(block)
            for line in block.lines():
                line = line.removesuffix(b"\r")
                while len(line) > limit:
                    yield 0, self._writer.message(head, line[:limit])
                    line = line[limit:]
                yield 1, self._writer.message(head, line)
