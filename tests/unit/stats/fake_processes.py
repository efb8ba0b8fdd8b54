"""Processes by hand: what a sampler reads, and who descends from whom."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from circus_stack.stats.collect.reading import Reading


def reading(cpu: float = 0.0, *, children_cpu: float = 0.0, rss: int = 1000, started: float = 1.0) -> Reading:
    return Reading(cpu, children_cpu, rss, 5000, 1, 0, started)


@dataclass
class FakeProcesses:
    """Both the source and the kin of a sampler, and its clock."""

    now: float = 100.0
    readings: dict[int, Reading] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)
    forgotten: list[int] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def read(self, pid: int) -> Reading | None:
        return self.readings.get(pid)

    def forget(self, pids: Iterable[int]) -> None:
        self.forgotten += pids

    def look(self) -> None:
        self.parents = {pid: parent for pid, parent in self.parents.items() if pid in self.readings}

    def below(self, pid: int) -> list[int]:
        found = [each for each, parent in self.parents.items() if parent == pid]
        for each in found:
            found += [child for child, parent in self.parents.items() if parent == each]
        return found

    def parent(self, pid: int) -> int:
        return self.parents.get(pid, 0)
