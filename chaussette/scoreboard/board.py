"""The file itself, as its owner has it: made, opened again, its slots assigned and taken back."""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from contextlib import suppress

from chaussette.scoreboard import layout
from chaussette.scoreboard.layout import bounded

# linux/fcntl.h; fcntl has no names for them before Python 3.12 on every build.
_F_ADD_SEALS = 1033
_SEAL_SIZE = 0x0001 | 0x0002 | 0x0004


class Board:
    """The owner's view. Slots are numbered from 0; the lowest free one is assigned first, so that the used part stays
    small. One process owns a board at a time."""

    def __init__(self, fd: int, *, is_known: bool = False) -> None:
        """Take over the file `fd`, all slots of which count as free until `keep`. Raises ValueError, OSError.

        `is_known`: it is of this format, by what no worker can have written; its header is then put right.
        """
        self.fd = fd
        if os.fstat(fd).st_size < layout.FILE_BYTES:
            raise ValueError(f"descriptor {fd} is no scoreboard")
        self._map = mmap.mmap(fd, layout.FILE_BYTES)
        self._words = memoryview(self._map).cast("q")
        if is_known:
            os.pwrite(fd, _header()[: layout.H_USED * layout.WORD_BYTES], 0)
        elif self._words[layout.H_MAGIC] != layout.MAGIC or self._words[layout.H_FORMAT] != layout.FORMAT:
            raise ValueError(f"descriptor {fd} is no scoreboard of format {layout.FORMAT}")
        # Nothing is believed that stands in the file, where any worker may write what it likes. Of the slots that are
        # assigned: their generation; of those that were: the last one.
        self._assigned: dict[int, int] = {}
        self._last: dict[int, int] = {}
        self._free: list[int] = []
        self._beats: dict[int, int] = {}
        self._next = self._used = 0
        self._is_new = False

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
            made = cls(fd)
        except BaseException:
            os.close(fd)
            raise
        made._is_new = True
        return made

    def assign(self, *, timeout_s: float, beat_s: float) -> tuple[int, int] | None:
        """(slot, generation) for a worker that is about to start; None where all are taken."""
        number = self._take()
        if number is None:
            return None
        base = _first_word(number)
        words = self._words
        generation = self._generation(number) + 2
        # Even while it is made ready: no reader takes it for anybody's.
        words[base] = generation - 1
        for index in range(base + 1, base + layout.SLOT_WORDS):
            words[index] = 0
        words[base + layout.TIMEOUT] = round(timeout_s * 1000)
        words[base + layout.BEAT] = round(beat_s * 1000)
        words[base + layout.ASSIGNED] = time.monotonic_ns()
        words[base] = generation
        self._note(number, generation)
        return number, generation

    def keep(self, number: int, generation: int) -> bool:
        """The slot is assigned, as the owner before this one knows, to a worker that was taken over; False where it was
        no slot of this board."""
        if self._is_new or number in self._assigned or not _is_slot(number, generation):
            return False
        # Somebody may have written over it.
        self._words[_first_word(number)] = generation
        self._note(number, generation)
        return True

    def release(self, number: int, generation: int) -> None:
        """Its worker has ended, and was reaped."""
        if self._assigned.get(number) == generation:
            del self._assigned[number]
            self._words[_first_word(number)] = generation + 1
            self._free.append(number)

    def heartbeat_at(self, number: int) -> float | None:
        """When the worker's loop turned last, in seconds of CLOCK_MONOTONIC, now at the latest; None: never, or it has
        not attached. It never goes back: what was seen once, others cannot take away."""
        beat = min(self._words[_first_word(number) + layout.HEARTBEAT], time.monotonic_ns())
        self._beats[number] = beat = max(beat, self._beats.get(number, 0))
        return beat / 1e9 if beat > 0 else None

    def scores(self, number: int) -> dict[str, int]:
        """Of one worker: `requests` that are over, and `busy`, how many are not."""
        base = _first_word(number)
        first = base + layout.STATUSES
        requests = bounded(sum(self._words[first : first + layout.STATUS_CLASSES]))
        return {"requests": requests, "busy": bounded(self._words[base + layout.BEGUN] - requests)}

    def close(self) -> None:
        """Give the file up."""
        if self.fd >= 0:
            self._words.release()
            self._map.close()
            os.close(self.fd)
            self.fd = -1

    def _note(self, number: int, generation: int) -> None:
        self._beats.pop(number, None)
        self._assigned[number] = self._last[number] = generation
        self._used = max(self._used, number + 1)
        self._words[layout.H_USED] = self._used

    def _generation(self, number: int) -> int:
        """The last one of a slot that is free, odd; of one that another owner has released, what the file says, if that
        can be."""
        known = self._last.get(number)
        if known is None:
            known = self._words[_first_word(number)] | 1
        return known if _is_slot(number, known + 2) else 1

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
        return number


def _is_slot(number: int, generation: int) -> bool:
    return 0 <= number < layout.SLOTS and generation % 2 == 1 and 0 < generation < layout.ABSURD


def _first_word(number: int) -> int:
    return (layout.HEADER_BYTES + number * layout.SLOT_BYTES) // layout.WORD_BYTES


def _header() -> bytes:
    words = memoryview(bytearray(layout.HEADER_BYTES)).cast("q")
    words[layout.H_MAGIC], words[layout.H_FORMAT] = layout.MAGIC, layout.FORMAT
    words[layout.H_HEADER_BYTES], words[layout.H_SLOT_BYTES] = layout.HEADER_BYTES, layout.SLOT_BYTES
    words[layout.H_SLOTS], words[layout.H_MADE] = layout.SLOTS, time.monotonic_ns()
    return words.tobytes()
