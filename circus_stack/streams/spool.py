"""What was read from pipes and is not written yet, in a file that is mapped into memory: it outlives the arbiter.

A ring of records. The kernel copies from the pipe straight into the file's pages, so that there is no moment at which
the bytes are neither in the pipe nor here. How many they will be is known before: nobody else reads that pipe. Their
last byte is made zero first; where it still is after a crash, they were not read, and stand in the pipe.

Nothing is synced: the file is to survive its writer's death, not the machine's.
"""

from __future__ import annotations

import mmap
import os
import struct
from collections import deque
from collections.abc import Iterator

from circus_stack.streams.block import StreamName

# What is on its way to a sink is 1 MiB a lane at most, and mostly nothing: a sink that takes nothing for a while may
# fill this; what is read then is not in the file.
SIZE = 4 * 1024 * 1024
_PAGE = 4096
# Of the file: the position of the oldest record.
_TAIL = struct.Struct("<Q")
# Of a record: magic, length, number, pid, how much of it is done, stream, whether all of it is.
_HEAD = struct.Struct("<IIQIIBB6x")
_MAGIC, _WRAP = 0x43534C31, 0x43535752
_BEGIN_AT, _DONE_AT = 20, 25
_STREAMS: tuple[StreamName, ...] = ("stdout", "stderr")
_INT = struct.Struct("<I")


class SpoolRecord:
    """One read. `finish` and `skip_to` may be called in any thread."""

    __slots__ = ("_at", "_map", "end", "is_finished", "length")

    def __init__(self, map_: mmap.mmap, at: int, length: int, end: int) -> None:
        self._map = map_
        self._at = at
        self.length = length
        # The position after it, counted from the beginning of all times.
        self.end = end
        self.is_finished = False

    def read_from(self, fd: int) -> bytes:
        """Read as many bytes as it has room for out of the pipe. Raises OSError."""
        start = self._at + _HEAD.size
        with memoryview(self._map) as whole, whole[start : start + self.length] as view:
            count = os.readv(fd, [view])
            return bytes(view[:count])

    def skip_to(self, begin: int) -> None:
        """So many of its bytes are written."""
        _INT.pack_into(self._map, self._at + _BEGIN_AT, begin)

    def finish(self) -> None:
        """All of it is written, or will never be."""
        if not self.is_finished:
            self._map[self._at + _DONE_AT] = 1
            self.is_finished = True


class Spool:
    """The ring, in a file of `SIZE` bytes that `fd` names; empty at the beginning. To be used in one thread, but for
    what a record says otherwise. The descriptor may be closed afterwards."""

    def __init__(self, fd: int, size: int = SIZE) -> None:
        os.ftruncate(fd, 0)
        # All of it now: a page that the disk has no room for would be a SIGBUS later.
        os.posix_fallocate(fd, 0, _PAGE + size)
        self._map = mmap.mmap(fd, _PAGE + size)
        self._size = size
        self._head = self._tail = 0
        self._number = 0
        self._records: deque[SpoolRecord] = deque()

    def take(self, pid: int, stream: StreamName, length: int) -> SpoolRecord | None:
        """Room for what is about to be read; None where there is none."""
        self._let_go()
        needed = _HEAD.size + _aligned(length)
        gap = self._size - self._head % self._size
        skipped = gap if gap < needed else 0
        if self._head + skipped + needed - self._tail > self._size:
            return None
        if skipped:
            _INT.pack_into(self._map, _PAGE + self._head % self._size, _WRAP)
            self._head += skipped
        at = _PAGE + self._head % self._size
        self._head += needed
        self._number += 1
        self._map[at + _HEAD.size + length - 1] = 0
        _HEAD.pack_into(self._map, at, _MAGIC, length, self._number, pid, 0, _STREAMS.index(stream), 0)
        record = SpoolRecord(self._map, at, length, self._head)
        self._records.append(record)
        return record

    def _let_go(self) -> None:
        """The oldest ones that are finished."""
        tail = self._tail
        while self._records and self._records[0].is_finished:
            tail = self._records.popleft().end
        if tail != self._tail:
            self._tail = tail
            _TAIL.pack_into(self._map, 0, tail)


def read_spool(data: bytes) -> dict[tuple[int, StreamName], bytes]:
    """What a writer that was killed had read and not written, by pid and stream, in order."""
    found: dict[tuple[int, StreamName], bytes] = {}
    for pid, stream, part in _unwritten(data):
        found[pid, stream] = found.get((pid, stream), b"") + part
    return found


def _unwritten(data: bytes) -> Iterator[tuple[int, StreamName, bytes]]:
    size = len(data) - _PAGE
    if size <= _HEAD.size:
        return
    position = _TAIL.unpack_from(data)[0]
    end, expected = position + size, None
    while position < end:
        at = _PAGE + position % size
        if _INT.unpack_from(data, at)[0] == _WRAP:
            position += size - position % size
            continue
        if at + _HEAD.size > len(data):
            return
        magic, length, number, pid, begin, stream, is_done = _HEAD.unpack_from(data, at)
        start = at + _HEAD.size
        if magic != _MAGIC or number != (expected or number) or start + length > len(data) or not length:
            return
        part = data[start : start + length]
        # One that was never filled is followed by none that was.
        if not is_done and stream < len(_STREAMS) and part[-1:] != b"\0":
            yield pid, _STREAMS[stream], part[min(begin, length) :]
        expected = number + 1
        position += _HEAD.size + _aligned(length)


def _aligned(length: int) -> int:
    """Headers stand at multiples of 8, so that there is always room for the mark of the end."""
    return (length + 7) & ~7
