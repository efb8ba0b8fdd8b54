"""Processes by /proc/PID/stat, through descriptors that are kept open: a third of what an open for each reading costs.

A descriptor belongs to the process that it was opened for: once that is gone it never tells of another of its number.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

from msgspec import Struct

from circus_stack.stats.collect.reading import Reading

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# More than the longest line: 52 numbers and a name of 64 bytes.
_LINE = 2048
# Descriptors that are left to everything else: sockets, clients, files that are read now and then.
_SPARE = 200


def parse_stat(line: bytes) -> Reading:
    """The figures in a line of proc_pid_stat(5). Raises ValueError or IndexError for anything else."""
    # The program's name, in parentheses, may hold anything, blanks and parentheses included.
    fields = line[line.rindex(b")") + 2 :].split(b" ", 22)
    return Reading(
        (int(fields[11]) + int(fields[12])) * _TICK_S,
        (int(fields[13]) + int(fields[14])) * _TICK_S,
        int(fields[21]) * _PAGE,
        int(fields[20]),
        int(fields[17]),
        int(fields[16]),
        int(fields[19]) * _TICK_S,
    )


class _Kept(Struct):
    """A descriptor, what it said last, and what that means."""

    fd: int
    line: bytes
    reading: Reading


class StatFiles:
    """Keeps a descriptor for each process, `limit` at most; what is beyond it is opened for each reading.

    As long as the line of a process stays as it is, which that of an idle one does, the reading is the same object."""

    def __init__(self, limit: int) -> None:
        self._limit = max(0, limit - _SPARE)
        self._kept: dict[int, _Kept] = {}

    def read(self, pid: int) -> Reading | None:
        """The figures; None where there is no such process any more, or it can't be read."""
        kept = self._kept.get(pid)
        try:
            if kept is None:
                return self._read_new(pid)
            line = os.pread(kept.fd, _LINE, 0)
            if line != kept.line:
                kept.reading, kept.line = parse_stat(line), line
            return kept.reading
        except (OSError, ValueError, IndexError):
            return None

    def _read_new(self, pid: int) -> Reading:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            line = os.pread(fd, _LINE, 0)
            reading = parse_stat(line)
        except BaseException:
            os.close(fd)
            raise
        if len(self._kept) < self._limit:
            self._kept[pid] = _Kept(fd, line, reading)
        else:
            os.close(fd)
        return reading

    def forget(self, pids: Iterable[int]) -> None:
        """Close what is kept for processes."""
        for pid in pids:
            kept = self._kept.pop(pid, None)
            if kept is not None:
                with contextlib.suppress(OSError):
                    os.close(kept.fd)

    def close(self) -> None:
        """Keep nothing any more."""
        self.forget(list(self._kept))
