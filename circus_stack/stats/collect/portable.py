"""Processes by psutil: the reader where there is no /proc of Linux's."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import psutil

from circus_stack.stats.collect.reading import Reading
from circus_stack.stats.collect.slow import NOTHING, SlowFields


class PsutilSource:
    """Keeps a psutil.Process for each, which knows when its number was given to another."""

    def __init__(self) -> None:
        self._known: dict[int, psutil.Process] = {}

    def read(self, pid: int) -> Reading | None:
        """The figures; None where there is no such process any more, or none that may be read."""
        try:
            process = self._known.get(pid)
            if process is None or not process.is_running():
                process = self._known[pid] = psutil.Process(pid)
            with process.oneshot():
                return _reading(process)
        except psutil.Error:
            self._known.pop(pid, None)
            return None

    def forget(self, pids: Iterable[int]) -> None:
        """Drop what is kept for processes."""
        for pid in pids:
            self._known.pop(pid, None)

    def close(self) -> None:
        """Keep nothing any more."""
        self._known.clear()


def _reading(process: psutil.Process) -> Reading:
    times, memory = process.cpu_times(), process.memory_info()
    return Reading(
        times.user + times.system,
        # Not every system has them.
        getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0),
        memory.rss,
        memory.vms,
        process.num_threads(),
        int(process.nice()),
        process.create_time(),
    )


def read_slow_portably(pid: int) -> SlowFields | None:
    """The slow figures as far as the system has them; None for a process that is gone."""
    try:
        process = psutil.Process(pid)
    except psutil.Error:
        return None
    found = dict(NOTHING)
    with contextlib.suppress(psutil.Error, AttributeError):
        memory = process.memory_full_info()
        found.update(pss=getattr(memory, "pss", None), uss=memory.uss)
    with contextlib.suppress(psutil.Error, AttributeError):
        found["files"] = process.num_fds()
    with contextlib.suppress(psutil.Error, AttributeError):
        switches = process.num_ctx_switches()
        found.update(voluntary_switches=switches.voluntary, involuntary_switches=switches.involuntary)
    with contextlib.suppress(psutil.Error, AttributeError):
        transfers = process.io_counters()
        found.update(read_bytes=transfers.read_bytes, written_bytes=transfers.write_bytes)
    return found


class PsutilKin:
    """Who descends from whom, from one pass over all processes a look."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}
        self._children: dict[int, list[int]] = {}

    def look(self) -> None:
        """Take notice of who came and who went since the look before."""
        self._parents = {each.pid: each.info["ppid"] or 0 for each in psutil.process_iter(["ppid"])}
        self._children = {}
        for pid, parent in self._parents.items():
            self._children.setdefault(parent, []).append(pid)

    def below(self, pid: int) -> list[int]:
        """Whoever descends from a process, nearest first, as of the last look."""
        found = list(self._children.get(pid, ()))
        known = set(found)
        for each in found:
            new = [child for child in self._children.get(each, ()) if child not in known]
            known.update(new)
            found.extend(new)
        return found

    def parent(self, pid: int) -> int:
        """The parent of a process; 0 where nobody knows."""
        return self._parents.get(pid, 0)
