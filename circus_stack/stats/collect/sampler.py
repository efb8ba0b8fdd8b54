"""How much CPU each process has used since the sample before, its descendants included: true time over true time.

One sampler serves everybody. Who asks how often changes nothing: only a sample moves the marks that it counts from.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from msgspec import Struct, field

from circus_stack.stats.collect.reading import Kin, Reading, Source


class Sample(NamedTuple):
    """A process with all that descends from it. `cpu` is percent of one core since the sample before, None at the
    first; `cpu_time` are seconds since the starts, `rss` and `vms` bytes. `family` are the descendants' pids. `own` is
    what the process is by itself."""

    cpu: float | None
    cpu_time: float
    rss: int
    vms: int
    threads: int
    own: Reading
    family: tuple[int, ...] = ()


class _Mark(Struct):
    """Where the count of one process goes on from. `still` is its sample while nothing about it changes."""

    at: float
    own: Reading
    members: dict[int, Reading] = field(default_factory=dict)
    still: Sample | None = None


class Sampler:
    """Not safe for threads. `clock` is monotonic, in seconds."""

    def __init__(self, source: Source, kin: Kin, clock: Callable[[], float] = time.monotonic) -> None:
        self._source = source
        self._kin = kin
        self._clock = clock
        self._marks: dict[int, _Mark] = {}

    def sample(self, pids: Iterable[int], *, with_family: bool = True) -> dict[int, Sample]:
        """A sample of each process that is there; one that is gone is forgotten. That of a process about which nothing
        has changed is the same object as before."""
        if with_family:
            self._kin.look()
        found = {}
        read, marks, clock, below = self._source.read, self._marks, self._clock, self._kin.below
        for pid in pids:
            own, mark = read(pid), marks.get(pid)
            if mark is not None and mark.still is not None and own is mark.own and not (with_family and below(pid)):
                # Most of a thousand: it has done nothing, and has no descendants, nor had any.
                mark.at = clock()
                found[pid] = mark.still
                continue
            sample = self._sample_one(pid, own, mark, with_family)
            if sample is not None:
                found[pid] = sample
        return found

    def _sample_one(self, pid: int, own: Reading | None, mark: _Mark | None, with_family: bool) -> Sample | None:
        if own is None or (mark is not None and mark.own.started != own.started):
            self.forget((pid,))
            return None
        now = self._clock()
        below = self._kin.below(pid) if with_family else ()
        if not below and (mark is None or not mark.members):
            return self._alone(pid, now, own, mark)
        return self._with_family(pid, now, own, mark, below)

    def _alone(self, pid: int, now: float, own: Reading, mark: _Mark | None) -> Sample:
        """The usual case, and so the quick one: nobody descends from it, nor did at the sample before."""
        if mark is None:
            self._marks[pid] = _Mark(now, own)
            return Sample(None, own.cpu + own.children_cpu, own.rss, own.vms, own.threads, own)
        before = mark.own
        used = own.cpu + own.children_cpu - before.cpu - before.children_cpu
        percent = _percent(used, now - mark.at)
        sample = Sample(percent, own.cpu + own.children_cpu, own.rss, own.vms, own.threads, own)
        mark.still = sample if own is before else None
        mark.at, mark.own = now, own
        return sample

    def _with_family(self, pid: int, now: float, own: Reading, mark: _Mark | None, below: Iterable[int]) -> Sample:
        members = {}
        for each in below:
            reading = self._source.read(each)
            if reading is not None:
                members[each] = reading
        percent = None
        if mark is not None:
            before = {pid: mark.own, **mark.members}
            after = {pid: own, **members}
            percent = _percent(used_between(before, after, self._kin.parent), now - mark.at)
            self._source.forget(mark.members.keys() - members.keys())
        self._marks[pid] = _Mark(now, own, members)
        everybody = (own, *members.values())
        return Sample(
            percent,
            sum(each.cpu for each in everybody) + own.children_cpu,
            sum(each.rss for each in everybody),
            sum(each.vms for each in everybody),
            sum(each.threads for each in everybody),
            own,
            tuple(members),
        )

    def forget(self, pids: Iterable[int]) -> None:
        """Take no account of processes any more."""
        for pid in pids:
            mark = self._marks.pop(pid, None)
            self._source.forget((pid, *(mark.members if mark is not None else ())))


def used_between(before: dict[int, Reading], after: dict[int, Reading], parent_of: Callable[[int], int]) -> float:
    """Seconds of CPU that a family has used. Pure.

    Whoever ends leaves its time to the parent that waits for it: what had been counted of it already is not counted
    again, and of one that came and went unseen all is. One that came since counts from its start.
    """
    used = 0.0
    inherited: dict[int, float] = {}
    for pid, reading in after.items():
        old = before.get(pid)
        if old is None or old.started != reading.started:
            used += reading.cpu + reading.children_cpu
            continue
        used += reading.cpu - old.cpu
        inherited[pid] = reading.children_cpu - old.children_cpu
    for pid, old in before.items():
        if pid in after and after[pid].started == old.started:
            continue
        # Where nobody waited for it, the kernel has given its time to nobody.
        parent = _heir(pid, inherited, parent_of)
        inherited[parent] = max(0.0, inherited.get(parent, 0.0) - old.cpu - old.children_cpu)
    return max(0.0, used + sum(inherited.values()))


def _heir(pid: int, inherited: dict[int, float], parent_of: Callable[[int], int]) -> int:
    """The parent, where it is one of those that had something left to them; else whoever had the most."""
    parent = parent_of(pid)
    if parent in inherited or not inherited:
        return parent
    return max(inherited, key=inherited.__getitem__)


def _percent(used_s: float, elapsed_s: float) -> float:
    return round(100.0 * max(0.0, used_s) / elapsed_s, 2) if elapsed_s > 0 else 0.0
