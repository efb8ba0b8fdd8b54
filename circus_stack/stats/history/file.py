"""The history of a stack in one memory-mapped file: fixed in size, kept over restarts, whole after a crash."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import mmap
import os
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from circus_stack.stats.history.mean import RunningMean
from circus_stack.stats.history.rings import FIELDS, POINT_SIZE, WATCHERS, Plan, pack_point, unpack_point
from circus_stack.stats.history.thin import thin

log = logging.getLogger(__name__)

_NAMES_AT = 64
_NAME_SIZE = 256
_LAST = struct.Struct("<Q")
# What is written belongs to the kernel; this program needn't hold the pages.
_RELEASE_EVERY = 256


class HistoryError(Exception):
    """The file cannot be used; the text says why."""


class HistoryFile:
    """One writer, which holds a lock on the file. Series are found by name; "" is the stack. `plan` says how many there
    may be, and how far back they go."""

    def __init__(self, path: Path, plan: Plan = WATCHERS) -> None:
        """Open it, or make it. What is no history of this version is begun anew. Raises HistoryError."""
        self._plan = plan
        self._data_at = _NAMES_AT + plan.series * (_NAME_SIZE + _LAST.size)
        # Until then no series comes free.
        self._full_until = 0
        self._numbers: dict[str, int] = {}
        self._means: dict[str, list[RunningMean]] = {}
        self._is_full = False
        self._is_disk_full = False
        self._writes = 0
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise HistoryError(f"{path} cannot be opened: {error.strerror}") from None
        try:
            self._map = self._open_map(path)
        except BaseException:
            os.close(self._fd)
            raise
        self._load_names()

    def _open_map(self, path: Path) -> mmap.mmap:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            magic, size = self._plan.magic, self._data_at + self._plan.series * self._plan.series_size
            is_ours = os.fstat(self._fd).st_size == size and os.pread(self._fd, len(magic), 0) == magic
            if not is_ours:
                os.ftruncate(self._fd, 0)
                os.ftruncate(self._fd, size)
                os.pwrite(self._fd, magic, 0)
            # A store into a hole that a full disk can't fill would kill this program (SIGBUS): holes are filled first.
            os.posix_fallocate(self._fd, 0, self._data_at)
            return mmap.mmap(self._fd, size)
        except BlockingIOError:
            raise HistoryError(f"{path} is written by another circusd-stats") from None
        except OSError as error:
            raise HistoryError(f"{path} cannot be used: {error.strerror}") from None

    def _load_names(self) -> None:
        for number in range(self._plan.series):
            at = _name_at(number)
            if self._last(number) and self._fill(number):
                name = self._map[at : at + _NAME_SIZE].rstrip(b"\0")
                # The stack's own name is empty, and written as a line end.
                self._numbers["" if name == b"\n" else name.decode("utf-8", "replace")] = number

    def _fill(self, number: int) -> bool:
        """Have the disk hold all of a series; False where it has no room."""
        try:
            os.posix_fallocate(self._fd, self._place(number), self._plan.series_size)
        except OSError as error:
            if not self._is_disk_full:
                log.warning("a series has no history, the disk has no room for it: %s", error.strerror)
            self._is_disk_full = True
            return False
        return True

    def _last(self, number: int) -> int:
        """When a series was written last, in seconds since the epoch; 0: it is free."""
        return int(_LAST.unpack_from(self._map, _name_at(number) + _NAME_SIZE)[0])

    def names(self) -> list[str]:
        """Those that have a series."""
        return sorted(self._numbers)

    def write(self, name: str, values: Sequence[float | None], moment: float) -> None:
        """Take in the values of a moment, one for each of FIELDS. Without room for one more name it is left out."""
        number = self._numbers.get(name)
        if number is None:
            number = self._take(name, int(moment))
            if number is None:
                return
        means = self._means.setdefault(name, [RunningMean() for _ in self._plan.rings])
        base = self._place(number)
        for which, ring in enumerate(self._plan.rings):
            start = ring.start(moment)
            at = base + self._plan.offset_of(which, ring.place(start))
            self._map[at : at + POINT_SIZE] = pack_point(start, means[which].add(start, values))
        _LAST.pack_into(self._map, _name_at(number) + _NAME_SIZE, int(moment))
        self._writes += 1
        if self._writes % _RELEASE_EVERY == 0:
            self._release()

    def _place(self, number: int) -> int:
        return self._data_at + number * self._plan.series_size

    def _release(self) -> None:
        # Elsewhere than on Linux it is not to be had: the pages stay, which harms nobody.
        with contextlib.suppress(AttributeError, OSError):
            self._map.madvise(mmap.MADV_DONTNEED)

    def _take(self, name: str, moment: int) -> int | None:
        """A free series, or the one that nobody has written to for the longest time, if that is long enough ago."""
        encoded = name.encode() or b"\n"
        if len(encoded) > _NAME_SIZE or moment < self._full_until:
            return None
        number = min(range(self._plan.series), key=self._last)
        if self._last(number) > moment - self._plan.idle_s:
            if not self._is_full:
                log.warning("a history has room for %d series: %r has none for now", self._plan.series, name)
            self._is_full, self._full_until = True, self._last(number) + self._plan.idle_s
            return None
        if not self._fill(number):
            return None
        for old in [each for each, at in self._numbers.items() if at == number]:
            del self._numbers[old]
            self._means.pop(old, None)
        if self._last(number):
            # What the disk has filled for the first time is empty already.
            at, size = self._place(number), self._plan.series_size
            self._map[at : at + size] = bytes(size)
        self._map[_name_at(number) : _name_at(number) + _NAME_SIZE] = encoded.ljust(_NAME_SIZE, b"\0")
        self._numbers[name] = number
        return number

    def last(self, name: str) -> int:
        """When it was written to last, in seconds since the epoch; 0 for a name without a series."""
        number = self._numbers.get(name)
        return 0 if number is None else self._last(number)

    def read(self, name: str, since: float, until: float) -> dict[str, Any]:
        """`step` (seconds), `times` and the values of each of FIELDS, from the finest ring that reaches back to
        `since`, thinned to 1,000 points; empty for a name without a series."""
        which = self._plan.ring_for(until - since)
        ring = self._plan.rings[which]
        columns: dict[str, list[Any]] = {field: [] for field in FIELDS}
        times: list[int] = []
        number = self._numbers.get(name)
        first = max(ring.start(since), ring.start(until) - ring.step_s * (ring.length - 1))
        for start in range(first, int(until) + 1, ring.step_s) if number is not None else ():
            at = self._place(number or 0) + self._plan.offset_of(which, ring.place(start))
            point = unpack_point(self._map[at : at + POINT_SIZE])
            if point is not None and point[0] == start:
                times.append(start)
                for field, value in zip(FIELDS, point[1], strict=True):
                    columns[field].append(value)
        self._release()
        step, times, columns = thin(ring.step_s, times, columns)
        return {"step": step, "times": times, **columns}

    def close(self) -> None:
        """Give the file back; what was written is in it."""
        self._map.close()
        os.close(self._fd)


def _name_at(number: int) -> int:
    return _NAMES_AT + number * (_NAME_SIZE + _LAST.size)
