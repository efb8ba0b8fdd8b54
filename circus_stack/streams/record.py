"""What the streams of one arbiter hand to those of the next: frozen values. Nothing here acts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from circus_stack.config.values import StreamConfig
from circus_stack.streams.block import StreamName


class PipeRecord(Struct, frozen=True, kw_only=True):
    """Our end of one pipe. `rest` was read from it and is the beginning of a line; `is_large`: it was made larger.
    `unwritten` are lines that were read by an arbiter that was killed before they were written."""

    stream: StreamName
    fd: int
    rest: bytes = b""
    is_large: bool = False
    unwritten: bytes = b""


class CaptureRecord(Struct, frozen=True, kw_only=True):
    """The pipes of one process that have not ended, and the options of the streams that their lines go to."""

    watcher: str
    wid: int
    pid: int
    pipes: tuple[PipeRecord, ...]
    stdout_stream: StreamConfig | None = None
    stderr_stream: StreamConfig | None = None


class TailBlock(Struct, frozen=True, kw_only=True):
    """Lines that the tail keeps, with the number of the first; `time` is seconds since the epoch."""

    number: int
    watcher: str
    wid: int
    pid: int
    stream: StreamName
    time: float
    data: bytes


class TailRecord(Struct, frozen=True, kw_only=True):
    """The live tail: the number that the next line gets, and what is kept, in order."""

    next_number: int = 0
    blocks: tuple[TailBlock, ...] = ()


class StreamsRecord(Struct, frozen=True, kw_only=True):
    """All captures; how many lines of each watcher were dropped."""

    captures: tuple[CaptureRecord, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    tail: TailRecord = TailRecord()

    def fds(self) -> Iterator[int]:
        """The descriptors of the pipes."""
        for capture in self.captures:
            yield from (pipe.fd for pipe in capture.pipes)
