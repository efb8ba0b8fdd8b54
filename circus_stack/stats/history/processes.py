"""What single processes used, every ten seconds: of so many as the file has room for. Touches no process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

from circus_stack.stats.collect.sampler import Sample
from circus_stack.stats.history.file import HistoryFile

Fields = Mapping[str, Any]

EVERY_S = 10.0
# Room for a new series is taken from the disk, and cleared: of a thousand that come at once most get theirs later.
_MOST_NEW = 16


class _Mark(Struct):
    """The series of a process, what it had used when it was noted last, and when that was."""

    name: str
    started: float
    cpu_time: float
    at: float


class ProcessHistory:
    """`details(watcher, pid)` is what a worker serves: `rps`, `in_flight`, `p99`."""

    def __init__(self, file: HistoryFile, details: Callable[[str, int], Fields]) -> None:
        self._file = file
        self._details = details
        self._marks: dict[int, _Mark] = {}

    def note(self, watcher: str, samples: Mapping[int, Sample], now: float) -> None:
        """Write those down whose turn it is; `now` is seconds since the epoch."""
        new = 0
        for pid, sample in samples.items():
            mark = self._marks.get(pid)
            if mark is None or mark.started != sample.own.started:
                new += 1
                if new <= _MOST_NEW:
                    self._marks[pid] = self._begin(watcher, pid, sample, now)
            elif not 0 <= now - mark.at < EVERY_S:
                self._write(watcher, pid, mark, sample, now)

    def _begin(self, watcher: str, pid: int, sample: Sample, now: float) -> _Mark:
        mark = _Mark(series_name(watcher, pid, sample.own.started), sample.own.started, sample.cpu_time, now)
        self._file.write(mark.name, self._values(watcher, pid, sample.cpu, sample), now)
        return mark

    def _write(self, watcher: str, pid: int, mark: _Mark, sample: Sample, now: float) -> None:
        # The clock may have been set back.
        passed = now - mark.at
        cpu = 100.0 * max(0.0, sample.cpu_time - mark.cpu_time) / passed if passed > 0 else sample.cpu
        self._file.write(mark.name, self._values(watcher, pid, cpu, sample), now)
        mark.cpu_time, mark.at = sample.cpu_time, now

    def _values(self, watcher: str, pid: int, cpu: float | None, sample: Sample) -> tuple[float | None, ...]:
        told = self._details(watcher, pid)
        processes = 1 + len(sample.family)
        return cpu, sample.rss, processes, told.get("rps"), told.get("in_flight"), told.get("p99")

    def keep(self, pids: AbstractSet[int]) -> None:
        """Forget all others; what was written of them stays until the room is needed."""
        for pid in self._marks.keys() - pids:
            del self._marks[pid]

    def read(self, watcher: str, pid: int, since: float, until: float) -> Fields:
        """As `HistoryFile.read`; of several processes that had the number, the last one."""
        prefix = f"{watcher}\n{pid}\n"
        names = [name for name in self._file.names() if name.startswith(prefix)]
        return self._file.read(max(names, key=self._file.last, default=prefix), since, until)


def series_name(watcher: str, pid: int, started: float) -> str:
    """A process is its number and the moment of its start, in seconds since that of the machine."""
    return f"{watcher}\n{pid}\n{started:.0f}"
