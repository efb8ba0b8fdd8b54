"""The sink that appends to a file: plain, or rotated by whatever rotation it is given."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from circus_stack.streams.block import Block
from circus_stack.streams.joining import Join
from circus_stack.streams.logfile import LogFile, WriteError
from circus_stack.streams.rotation import Rotation
from circus_stack.streams.sink import SinkError, Tick

# After a rotation that failed (a directory without write permission) the lines go on into the old file this long.
ROTATION_PAUSE_S = 60.0

_log = logging.getLogger(__name__)


class FileSink:
    """Appends to one file; `rotation` says when it ends, `join` what the bytes of some blocks are."""

    def __init__(
        self,
        file: LogFile,
        join: Join,
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
        self._rotation.close()
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
