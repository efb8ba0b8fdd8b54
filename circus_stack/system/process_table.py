"""Who is whose child, as /proc has it: one look at all processes, or at one tree. Reads; signals only whom it has seen.

A process is known by its number together with the time of its start: a number alone may be another one's by the time
it is used.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from msgspec import Struct

# What one look at a tree goes through at most: it is taken inside the loop, at some 20 microseconds each.
_MOST_OF_A_TREE = 1000
_BLOCK = 65536


class Entry(Struct, frozen=True):
    """One process. `started` is in clock ticks since the boot, `session` the pid of the session's leader."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    is_zombie: bool
    # By a signal or by a tracer.
    is_stopped: bool = False

    @property
    def key(self) -> tuple[int, int]:
        """What no other process ever has."""
        return self.pid, self.started


def _read(path: str) -> bytes:
    """All of a file of /proc; nothing where it cannot be read. A look reads thousands: no layers of a file object."""
    found = b""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return found
    try:
        while more := os.read(fd, _BLOCK):
            found += more
    except OSError:
        pass
    finally:
        os.close(fd)
    return found


def read_entry(pid: int) -> Entry | None:
    """The process of that number; None where there is none."""
    text = _read(f"/proc/{pid}/stat")
    # proc(5): the program's name, in parentheses, may hold anything; then state, parent, group, session; the start is
    # the twentieth.
    fields = text.rpartition(b")")[2].split()
    if len(fields) < 20:
        return None
    parent, group, session = map(int, fields[1:4])
    return Entry(pid, parent, group, session, int(fields[19]), fields[0] in (b"Z", b"X"), fields[0] in (b"T", b"t"))


def read_entries(pids: Iterable[int]) -> dict[int, Entry]:
    """Those of the processes that are there, by pid: some 25 microseconds each."""
    return {entry.pid: entry for entry in map(read_entry, pids) if entry is not None}


def read_table() -> dict[int, Entry]:
    """A look at all processes."""
    names = os.listdir("/proc")  # noqa: PTH208 - a Path for each of a thousand processes would take as long as the rest
    return read_entries(int(name) for name in names if name.isdigit())


def is_alive(entry: Entry) -> bool:
    """Whether it is still that process, and no zombie."""
    now = read_entry(entry.pid)
    return now is not None and now.key == entry.key and not now.is_zombie


def read_environment(pid: int) -> bytes:
    """The environment that the program of that process began with, a zero byte after each variable; nothing where it
    may not be seen, and something else where the program has overwritten it."""
    return _read(f"/proc/{pid}/environ")


@cache
def shows_children() -> bool:
    """Whether the kernel lists the children of a thread (CONFIG_PROC_CHILDREN)."""
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()


def children_of(pid: int, *, of_all_threads: bool = True) -> list[int]:
    """The children of a process, zombies included; with `of_all_threads` off only those that its first thread has
    forked, for a third of the time. Where the kernel doesn't list them, all processes are looked at."""
    if not shows_children():
        return [entry.pid for entry in read_table().values() if entry.parent == pid]
    found: list[int] = []
    for thread in _threads(pid) if of_all_threads else (str(pid),):
        found += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    return found


def _threads(pid: int) -> list[str]:
    try:
        return [each.name for each in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return []


def tree_below(pid: int) -> frozenset[tuple[int, int]]:
    """The keys of what descends from a process that has not ended, as far as its and their first threads have forked
    it, and not more than a thousand: quick, for inside the loop."""
    if not shows_children():
        return frozenset(entry.key for entry in descending(read_table(), {pid}) if entry.pid != pid)
    found: list[Entry] = []
    waiting = children_of(pid, of_all_threads=False)
    while waiting and len(found) < _MOST_OF_A_TREE:
        entry = read_entry(waiting.pop())
        if entry is not None:
            found.append(entry)
            waiting += children_of(entry.pid, of_all_threads=False)
    return frozenset(entry.key for entry in found)


def descending(table: Mapping[int, Entry], roots: Iterable[int]) -> list[Entry]:
    """Those of a table that are among the roots, or descend from one of them."""
    children: dict[int, list[int]] = {}
    for entry in table.values():
        children.setdefault(entry.parent, []).append(entry.pid)
    found: dict[int, Entry] = {}
    waiting = list(roots)
    while waiting:
        pid = waiting.pop()
        if pid in found:
            continue
        if pid in table:
            found[pid] = table[pid]
        waiting += children.get(pid, ())
    return list(found.values())


def signal_entry(entry: Entry, signum: int) -> bool:
    """Signal that process and no other that has its number by now; False where it is gone, or not ours to signal."""
    try:
        pidfd = os.pidfd_open(entry.pid)
    except OSError:
        return False
    try:
        # The descriptor is of whoever has the number now; from here on that cannot change.
        now = read_entry(entry.pid)
        if now is None or now.key != entry.key:
            return False
        signal.pidfd_send_signal(pidfd, signum)
    except OSError:
        return False
    finally:
        os.close(pidfd)
    return True
