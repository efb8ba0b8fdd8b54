"""Seconds of CPU of each watcher, as a sum that only grows. Pure.

A sum over the processes that run now falls whenever one of them goes; Prometheus would take that for a new beginning
and count everything again. So what each has used since the look before is added up here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet

from circus_stack.stats.collect.sampler import Sample


class CpuMeter:
    """Adds up the CPU of each watcher's processes."""

    def __init__(self) -> None:
        self._last: dict[int, Sample] = {}
        self.seconds: dict[str, float] = {}

    def add(self, watcher: str, samples: Mapping[int, Sample]) -> None:
        """Take in the samples of one tick. What a process had used before it was first seen counts, too."""
        used = 0.0
        for pid, sample in samples.items():
            last = self._last.get(pid)
            if last is sample:
                continue
            is_known = last is not None and last.own.started == sample.own.started
            used += max(0.0, sample.cpu_time - (last.cpu_time if last is not None and is_known else 0.0))
            self._last[pid] = sample
        self.seconds[watcher] = self.seconds.get(watcher, 0.0) + used

    def keep(self, watchers: Collection[str], pids: AbstractSet[int]) -> None:
        """Forget everybody else."""
        for pid in self._last.keys() - pids:
            del self._last[pid]
        self.seconds = {name: each for name, each in self.seconds.items() if name in watchers}
