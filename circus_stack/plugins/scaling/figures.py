"""From the records of circusd-stats to the figures that conditions speak of. Pure; what nobody knows is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from circus_stack.client.stats.records import Figures, Record, SocketStats, StackStats, WatcherStats

Values = Mapping[str, float]


class Gathered:
    """What was told of sockets and of the machine, until the next word of it."""

    def __init__(self) -> None:
        self._queued: dict[str, int] = {}
        self._users: dict[str, frozenset[str]] = {}
        self._total_memory: int | None = None

    def know_sockets(self, listed: Iterable[Mapping[str, Any]]) -> None:
        """The sockets as the arbiter lists them: of each its `name`, and its `watchers`."""
        self._users = {str(each.get("name")): frozenset(map(str, each.get("watchers") or ())) for each in listed}
        self._queued = {name: queued for name, queued in self._queued.items() if name in self._users}

    def note(self, record: Record) -> None:
        """One record of the stream."""
        match record:
            case SocketStats(name=name, queued=int() as queued):
                self._queued[name] = queued
            case SocketStats(name=name):
                self._queued.pop(name, None)
            case StackStats(total_memory=int() as total):
                self._total_memory = total

    def forget(self) -> None:
        """Nobody tells any more how long the queues are."""
        self._queued.clear()

    def of(self, watcher: str, told: WatcherStats) -> Values:
        """The figures of one watcher, in the units of `scaling.UNITS`."""
        found = {
            "busy": _share(told.figures.busy, len(told.pids)),
            "cpu": _mean(told.figures.cpu, len(told.pids)),
            "backlog": self._backlog(watcher),
            "memory": self._memory(told.figures),
            "p99": _p99_ms(told.figures),
        }
        return {name: value for name, value in found.items() if value is not None}

    def _backlog(self, watcher: str) -> float | None:
        """Over all of the watcher's sockets; None where one of them has no figure, or there is none."""
        names = [name for name, users in self._users.items() if watcher in users]
        queued = [self._queued.get(name) for name in names]
        known = [each for each in queued if each is not None]
        return float(sum(known)) if known and len(known) == len(queued) else None

    def _memory(self, figures: Figures) -> float | None:
        """Of what the watcher may use: its control group's limit, else all of the machine's."""
        if figures.group_memory is not None and figures.group_memory_limit:
            return _share(figures.group_memory, figures.group_memory_limit)
        used = figures.rss if figures.pss is None else figures.pss
        return None if self._total_memory is None else _share(used, self._total_memory)


def _share(part: int | None, whole: int) -> float | None:
    return None if part is None or whole <= 0 else 100.0 * part / whole


def _mean(total: float | None, count: int) -> float | None:
    return None if total is None or count <= 0 else total / count


def _p99_ms(figures: Figures) -> float | None:
    """Of no request, where requests are counted at all, none takes long."""
    if figures.p99 is not None:
        return 1000.0 * figures.p99
    return None if figures.rps is None else 0.0
