"""What one look at one process tells, and who can take such a look. No files, no library."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Reading(NamedTuple):
    """Figures of one process by itself. `cpu` and `children_cpu` are seconds of CPU since its start: its own, and of
    those children that it has waited for. `rss` and `vms` are bytes, `started` tells it from another of its number."""

    cpu: float
    children_cpu: float
    rss: int
    vms: int
    threads: int
    nice: int
    started: float


class Source(Protocol):
    """A reader of processes, which may keep something open for each until it is told to forget it."""

    def read(self, pid: int) -> Reading | None:
        """The figures; None where there is no such process any more. Where nothing has changed, it may be the object
        of the reading before."""

    def forget(self, pids: Iterable[int]) -> None:
        """Close what is kept for processes."""


class Kin(Protocol):
    """Who descends from whom."""

    def look(self) -> None:
        """Take notice of who came and who went since the look before."""

    def below(self, pid: int) -> list[int]:
        """Whoever descends from a process, nearest first, as of the last look."""

    def parent(self, pid: int) -> int:
        """The parent that a process had when it was first seen; 0 where nobody knows."""
