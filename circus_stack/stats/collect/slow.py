"""Figures of each process that are dear to read, at a slow pace and some at a time: memory, files, I/O. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

# Bytes, files, and how often it had to wait or was made to: what descendants add to.
SUMMED = (
    *("pss", "uss", "shared", "files", "voluntary_switches", "involuntary_switches", "read_bytes", "written_bytes"),
)
# Of the control group that a process is in: bytes, and seconds for which it was held back.
OF_GROUP = ("group_memory", "group_memory_limit", "group_throttled")

SlowFields = Mapping[str, int | float | None]
NOTHING: SlowFields = dict.fromkeys(SUMMED)

# A page table of a large process takes milliseconds to add up: of each tick no more than this is spent.
_BUDGET_S = 0.003
# Nobody's is read again sooner.
_EVERY_S = 15.0
# The sum over a watcher, which adds up a thousand of them, isn't made anew sooner.
_SUM_EVERY_S = 5.0


class Change(NamedTuple):
    """What one more reading of a process has brought; there is no `before` at the first, nor `after` of one that is
    gone or another user's."""

    pid: int
    before: SlowFields | None
    after: SlowFields | None


class SlowFigures:
    """`read` returns each of SUMMED, and of OF_GROUP where there are any; None of a process that is gone. `clock` is
    monotonic, in seconds."""

    def __init__(self, read: Callable[[int], SlowFields | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._known: dict[int, tuple[float, SlowFields | None]] = {}
        self._sums: dict[str, tuple[float, int, SlowFields]] = {}

    def refresh(self, pids: Iterable[int]) -> list[Change]:
        """Read those again whose turn it is, the longest unread first, as long as the time of one tick lasts; at least
        one."""
        began = self._clock()
        due = [pid for pid in pids if began - self._at(pid) >= _EVERY_S]
        changes = []
        for pid in sorted(due, key=self._at):
            before, after = self._fields(pid), self._read(pid)
            self._known[pid] = (self._clock(), after)
            changes.append(Change(pid, before, after))
            if self._clock() - began > _BUDGET_S:
                break
        return changes

    def _at(self, pid: int) -> float:
        return self._known[pid][0] if pid in self._known else float("-inf")

    def of(self, pid: int, descendants: Collection[int] = ()) -> SlowFields:
        """Those of one process, its descendants summed."""
        own = self._fields(pid) or NOTHING
        return {**own, **self._sum((pid,), descendants)} if descendants else own

    def of_watcher(self, name: str, pids: Collection[int], descendants: Iterable[int]) -> SlowFields:
        """The sums over its processes, and what its control group says; both may be some seconds old."""
        now = self._clock()
        at, count, known = self._sums.get(name, (float("-inf"), 0, NOTHING))
        if known["pss"] is None or count != len(pids) or now - at >= _SUM_EVERY_S:
            known = {**self._sum(pids, descendants), **self._group(pids)}
            self._sums[name] = (now, len(pids), known)
        return known

    def _sum(self, pids: Collection[int], descendants: Iterable[int]) -> SlowFields:
        """Each sum is None unless it is known of each of `pids`; of the descendants those that came just now are left
        out, since some come and go faster than they are read."""
        own = [each for pid in pids if (each := self._fields(pid)) is not None]
        if not own or len(own) < len(pids):
            return NOTHING
        others = [each for pid in descendants if (each := self._fields(pid)) is not None]
        return {name: _added(name, own, others) for name in SUMMED}

    def _group(self, pids: Iterable[int]) -> SlowFields:
        """A group is of a whole watcher: each of its processes tells the same, at its time."""
        told = [each for pid in pids if (each := self._fields(pid)) is not None]
        return {name: max(values) for name in OF_GROUP if (values := _known(name, told))}

    def _fields(self, pid: int) -> SlowFields | None:
        return self._known[pid][1] if pid in self._known else None

    def keep(self, pids: AbstractSet[int], watchers: AbstractSet[str]) -> None:
        """Forget everybody else."""
        for pid in self._known.keys() - pids:
            del self._known[pid]
        for name in self._sums.keys() - watchers:
            del self._sums[name]


def _added(name: str, own: Iterable[SlowFields], others: Iterable[SlowFields]) -> int | None:
    total = 0
    for each in own:
        value = each[name]
        if value is None:
            return None
        total += int(value)
    return total + sum(int(each[name] or 0) for each in others)


def _known(name: str, told: Iterable[SlowFields]) -> list[int | float]:
    return [value for each in told if (value := each.get(name)) is not None]
