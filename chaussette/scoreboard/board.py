"""The file itself, as its owner has it: made, opened again, its slots assigned and taken back."""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from contextlib import suppress

from chaussette.scoreboard import layout

# linux/fcntl.h; fcntl has no names for them before Python 3.12 on every build.
_F_ADD_SEALS = 1033
_SEAL_SIZE = 0x0001 | 0x0002 | 0x0004


class Board:
    """The owner's view. Slots are numbered from 0; the lowest free one is assigned first, so that the used part stays
    small. One process owns a board at a time."""

    def __init__(self, fd: int) -> None:
        """Take over the file `fd`, all slots of which count as free until `keep`. Raises ValueError, OSError."""
        self.fd = fd
        if os.fstat(fd).st_size < layout.FILE_BYTES:
            raise ValueError(f"descriptor {fd} is no scoreboard")
        self._map = mmap.mmap(fd, layout.FILE_BYTES)
        self._words = memoryview(self._map).cast("q")
        if self._words[layout.H_MAGIC] != layout.MAGIC or self._words[layout.H_FORMAT] != layout.FORMAT:
            raise ValueError(f"descriptor {fd} is no scoreboard of format {layout.FORMAT}")
        self._assigned: set[int] = set()
        self._free: list[int] = []
        self._next = 0

    @classmethod
    def create(cls, name: str) -> Board:
        """A new one in memory, without a file anywhere: writing to a disk's page can wait for the disk, and a request
        would with it. Nobody can change its size: a worker must not make its readers read beyond the end."""
        fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            os.ftruncate(fd, layout.FILE_BYTES)
            with suppress(OSError):
                fcntl.fcntl(fd, _F_ADD_SEALS, _SEAL_SIZE)
            os.pwrite(fd, _header(), 0)
            return cls(fd)
        except BaseException:
            os.close(fd)
            raise

    def assign(self, *, timeout_s: float, beat_s: float) -> tuple[int, int] | None:
        """(slot, generation) for a worker that is about to start; None where all are taken."""
        number = self._take()
        if number is None:
            return None
        base = _first_word(number)
        words = self._words
        # Even while it is made ready: no reader takes it for anybody's.
        generation = (words[base] | 1) + 1
        words[base] = generation
        for index in range(base + 1, base + layout.SLOT_WORDS):
            words[index] = 0
        words[base + layout.TIMEOUT] = round(timeout_s * 1000)
        words[base + layout.BEAT] = round(beat_s * 1000)
        words[base + layout.ASSIGNED] = time.monotonic_ns()
        words[layout.H_USED] = max(words[layout.H_USED], number + 1)
        words[base] = generation + 1
        return number, generation + 1

    def keep(self, number: int, generation: int) -> bool:
        """The slot is assigned to a worker that was taken over; False where it is not its own any more."""
        if not 0 <= number < layout.SLOTS or self._words[_first_word(number)] != generation:
            return False
        self._assigned.add(number)
        return True

    def release(self, number: int, generation: int) -> None:
        """Its worker has ended, and was reaped: it writes no more."""
        base = _first_word(number)
        if number in self._assigned and self._words[base] == generation:
            self._words[base] = generation + 1
            self._assigned.discard(number)
            self._free.append(number)

    def heartbeat_at(self, number: int) -> float | None:
        """When the worker's loop turned last, in seconds of CLOCK_MONOTONIC; None: never, or it has not attached."""
        beat = self._words[_first_word(number) + layout.HEARTBEAT]
        return beat / 1e9 if beat > 0 else None

    def timeout_s(self, number: int) -> float:
        """How long the loop may stand still; 0: any time."""
        return max(0, self._words[_first_word(number) + layout.TIMEOUT]) / 1000

    def scores(self, number: int) -> dict[str, int]:
        """Of one worker: `requests` that are over, and `busy`, how many are not."""
        base = _first_word(number)
        first = base + layout.STATUSES
        requests = sum(self._words[first : first + layout.STATUS_CLASSES])
        return {"requests": requests, "busy": max(0, self._words[base + layout.BEGUN] - requests)}

    def close(self) -> None:
        """Give the file up."""
        if self.fd >= 0:
            self._words.release()
            self._map.close()
            os.close(self.fd)
            self.fd = -1

    def _take(self) -> int | None:
        if self._free:
            number = min(self._free)
            self._free.remove(number)
        else:
            while self._next in self._assigned:
                self._next += 1
            number = self._next
            if number >= layout.SLOTS:
                return None
            self._next += 1
        self._assigned.add(number)
        return number


def _first_word(number: int) -> int:
    return (layout.HEADER_BYTES + number * layout.SLOT_BYTES) // layout.WORD_BYTES


def _header() -> bytes:
    words = memoryview(bytearray(layout.HEADER_BYTES)).cast("q")
    words[layout.H_MAGIC], words[layout.H_FORMAT] = layout.MAGIC, layout.FORMAT
    words[layout.H_HEADER_BYTES], words[layout.H_SLOT_BYTES] = layout.HEADER_BYTES, layout.SLOT_BYTES
    words[layout.H_SLOTS], words[layout.H_MADE] = layout.SLOTS, time.monotonic_ns()
    return words.tobytes()
