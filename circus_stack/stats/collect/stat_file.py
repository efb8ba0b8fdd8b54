"""Processes by /proc/PID/stat, through descriptors that are kept open: a third of what an open for each reading costs.

An idle process costs a third of that again: /proc/PID/schedstat says how long, and how often, its thread has run, which
the kernel has at hand. Where that is as it was, nothing has happened that its line of /proc/PID/stat would tell.

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


# What runs without having been scheduled changes nothing but this: memory that is taken from it, and the nice value
# that somebody else sets. Of an idle process they are read once in so many readings.
_SKIPPED = 10
# More than three numbers.
_RUNS_LINE = 64
# Of a kernel that does not count.
_NOT_COUNTED = b"0 0 0"


class _Kept(Struct):
    """A descriptor, what it said last, and what that means. `runs_fd` is that of /proc/PID/schedstat, once the process
    was idle, and -1 where that is of no use; `runs` is what it said last, `skipped` how often it was enough."""

    fd: int
    line: bytes
    reading: Reading
    runs_fd: int | None = None
    runs: bytes = b""
    skipped: int = 0

    def has_run(self) -> bool:
        """Whether it has run since the last time that this was asked, as far as is known. Raises OSError."""
        if not self.runs_fd or self.runs_fd < 0:
            return True
        runs = os.pread(self.runs_fd, _RUNS_LINE, 0)
        if runs == self.runs and self.skipped < _SKIPPED:
            self.skipped += 1
            return False
        self.runs, self.skipped = runs, 0
        return True

    def watch_runs(self, pid: int) -> None:
        """Ask from now on whether it has run. Of a process with threads the file tells of the first alone."""
        try:
            self.runs_fd = os.open(f"/proc/{pid}/schedstat", os.O_RDONLY | os.O_CLOEXEC)
            if os.pread(self.runs_fd, _RUNS_LINE, 0).startswith(_NOT_COUNTED):
                self.close_runs()
        except OSError:
            self.close_runs()
        # Not all of those that came at once are read at once.
        self.skipped = pid % _SKIPPED

    def close_runs(self) -> None:
        """Ask no more."""
        if self.runs_fd is not None and self.runs_fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self.runs_fd)
        self.runs_fd = -1


class StatFiles:
    """Keeps a descriptor for each process, `limit` at most; what is beyond it is opened for each reading.

    As long as a process does nothing the reading is the same object."""

    def __init__(self, limit: int) -> None:
        self._limit = max(0, limit - _SPARE)
        self._kept: dict[int, _Kept] = {}

    def read(self, pid: int) -> Reading | None:
        """The figures; None where there is no such process any more, or it can't be read."""
        kept = self._kept.get(pid)
        try:
            if kept is None:
                return self._read_new(pid)
            if kept.has_run():
                self._read_again(pid, kept)
            return kept.reading
        except (OSError, ValueError, IndexError):
            return None

    def _read_again(self, pid: int, kept: _Kept) -> None:
        line = os.pread(kept.fd, _LINE, 0)
        if line != kept.line:
            kept.reading, kept.line = parse_stat(line), line
            if kept.reading.threads > 1 and kept.runs_fd is not None:
                kept.close_runs()
        elif kept.runs_fd is None and kept.reading.threads == 1 and 2 * len(self._kept) <= self._limit:
            kept.watch_runs(pid)

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
                kept.close_runs()
                with contextlib.suppress(OSError):
                    os.close(kept.fd)

    def close(self) -> None:
        """Keep nothing any more."""
        self.forget(list(self._kept))
