"""Processes by /proc/PID/stat, through descriptors that are kept open: a third of what an open for each reading costs.

A descriptor belongs to the process that it was opened for: once that is gone it never tells of another of its number.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable

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


class StatFiles:
    """Keeps a descriptor for each process, `limit` at most; what is beyond it is opened for each reading."""

    def __init__(self, limit: int) -> None:
        self._limit = max(0, limit - _SPARE)
        self._kept: dict[int, int] = {}

    def read(self, pid: int) -> Reading | None:
        """The figures; None where there is no such process any more, or it can't be read."""
        fd = self._kept.get(pid)
        try:
            if fd is not None:
                return parse_stat(os.pread(fd, _LINE, 0))
            return self._read_new(pid)
        except (OSError, ValueError, IndexError):
            return None

    def _read_new(self, pid: int) -> Reading:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            reading = parse_stat(os.pread(fd, _LINE, 0))
        except BaseException:
            os.close(fd)
            raise
        if len(self._kept) < self._limit:
            self._kept[pid] = fd
        else:
            os.close(fd)
        return reading

    def forget(self, pids: Iterable[int]) -> None:
        """Close what is kept for processes."""
        for pid in pids:
            fd = self._kept.pop(pid, None)
            if fd is not None:
                with contextlib.suppress(OSError):
                    os.close(fd)

    def close(self) -> None:
        """Keep nothing any more."""
        self.forget(list(self._kept))
