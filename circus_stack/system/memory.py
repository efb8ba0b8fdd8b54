"""How much memory processes use, each with all that descends from it, and how much there is. Reads /proc and the files
of control groups, which may block for a while; decides nothing.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field

_PAGE = os.sysconf("SC_PAGE_SIZE")
# One look at all processes serves all who ask within this time: it costs some 20 microseconds for each process.
_FRESH_S = 0.5
_CGROUPS = Path("/sys/fs/cgroup")


class Usage(Struct, frozen=True):
    """Bytes that a process and its descendants use. `kind` is "rss", where pages that several share count for each, or
    "pss", where they are divided among those. `hidden` says why a "pss" could not be had; empty otherwise."""

    bytes: int
    kind: str
    hidden: str = ""


class _Table(Struct, frozen=True):
    """All processes at one time: the children of each, and the members of each session."""

    at: float
    children: dict[int, list[int]] = field(default_factory=dict)
    sessions: dict[int, list[int]] = field(default_factory=dict)

    def family(self, pid: int) -> set[int]:
        """A process that leads its session, whoever is in that, and all that descends from those."""
        found = {pid, *self.sessions.get(pid, ())}
        ahead = list(found)
        while ahead:
            fresh = [each for each in self.children.get(ahead.pop(), ()) if each not in found]
            found.update(fresh)
            ahead.extend(fresh)
        return found


class MemoryReader:
    """Reads for several watchers at a time; may be called from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._table = _Table(float("-inf"))

    def read(self, pids: Iterable[int], *, pss_above: int | None) -> dict[int, Usage]:
        """What each process uses; one that is gone uses nothing. A rss of more than `pss_above` bytes is looked at
        again, as pss, which is never more and takes the kernel a hundred times as long; None: never."""
        table = self._processes()
        return {pid: _usage(table.family(pid), pss_above) for pid in pids}

    def _processes(self) -> _Table:
        with self._lock:
            if self._clock() - self._table.at > _FRESH_S:
                self._table = _read_table(self._clock())
            return self._table


def _read_table(now: float) -> _Table:
    table = _Table(now)
    for name in os.listdir("/proc"):  # noqa: PTH208 - a path for each would cost as much as its reading
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError):
            # proc(5): the program's name, in parentheses, may hold anything; then state, parent, group, session.
            _state, parent, _group, session = _content(f"/proc/{name}/stat").rpartition(b")")[2].split(None, 4)[:4]
            table.children.setdefault(int(parent), []).append(int(name))
            table.sessions.setdefault(int(session), []).append(int(name))
    return table


def _usage(family: Iterable[int], pss_above: int | None) -> Usage:
    resident = {pid: _rss(pid) for pid in family}
    total = sum(resident.values())
    if pss_above is None or total <= pss_above:
        return Usage(total, "rss")
    try:
        return Usage(sum(map(_pss, resident)), "pss")
    except OSError as error:
        return Usage(total, "rss", hidden=error.strerror or str(error))


def _rss(pid: int) -> int:
    try:
        return int(_content(f"/proc/{pid}/statm").split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _pss(pid: int) -> int:
    """Raises OSError for a process of which this one may not know; one that is gone has none."""
    try:
        for line in _content(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/smaps_rollup").exists():
            return 0
        raise
    return 0


def _content(path: str) -> bytes:
    """Of a small file of the kernel's; without a file object, which would cost as much as the reading."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 8192)
    finally:
        os.close(fd)


def total_memory() -> int:
    """Bytes that this process and what it starts may use: what the machine has, or less where a control group that
    they are in is limited to less."""
    return min([_of_the_machine(), *_of_the_groups()])


def _of_the_machine() -> int:
    return os.sysconf("SC_PHYS_PAGES") * _PAGE


def _of_the_groups() -> Iterator[int]:
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        # cgroups(7): number, controllers, path; no controllers: version 2.
        _number, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _limits_above(_CGROUPS, path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits_above(_CGROUPS / "memory", path, "memory.limit_in_bytes")


def _limits_above(root: Path, path: str, file: str) -> Iterator[int]:
    """The limits of a group and of those around it; in a container only the last of them may be there."""
    group = root / path.strip("/")
    for each in (group, *(parent for parent in group.parents if parent == root or root in parent.parents)):
        with contextlib.suppress(OSError, ValueError):
            # "max" is no number.
            yield int((each / file).read_text(encoding="ascii"))
