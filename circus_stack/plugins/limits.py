"""When what processes use counts as too much or too little, and for how long it has. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from circus_stack.plugins.usage import Usage


class Limits(Struct, frozen=True, kw_only=True):
    """Limits of the use of one process, None for no limit. `cpu`, `mem` are percent, `rss` are bytes; `health` is for
    the mean of the greatest cpu and the greatest mem, in percent."""

    max_cpu: float | None = None
    min_cpu: float | None = None
    max_mem: float | None = None
    max_rss: int | None = None
    min_mem: float | None = None
    min_rss: int | None = None
    health: float | None = None

    def broken(self, found: Sequence[Usage]) -> tuple[str, ...]:
        """The limits that one of the processes is beyond, by the names that statsd gets."""
        if not found:
            return ()
        cpu, mem, rss = [each.cpu for each in found], [each.mem for each in found], [each.rss for each in found]
        verdicts = {
            "over_cpu": _is_over(max(cpu), self.max_cpu),
            "under_cpu": self.min_cpu is not None and min(cpu) <= self.min_cpu,
            "over_memory": _is_over(max(mem), self.max_mem) or _is_over(max(rss), self.max_rss),
            "under_memory": _is_under(min(mem), self.min_mem) or _is_under(min(rss), self.min_rss),
            "over_health": _is_over((max(cpu) + max(mem)) / 2, self.health),
        }
        return tuple(name for name, is_broken in verdicts.items() if is_broken)


def _is_over(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit


def _is_under(value: float, limit: float | None) -> bool:
    return limit is not None and value < limit


class Strikes(Struct):
    """How often in a row each limit was broken, by whom: `None` is the watcher, a number is the pid of a child."""

    allowed: int
    _counts: dict[int | None, dict[str, int]] = field(default_factory=dict)

    def count(self, who: int | None, broken: Iterable[str]) -> bool:
        """Note one look; True, and all is forgiven, once a limit was broken more often than `allowed`."""
        before = self._counts.get(who, {})
        counts = {limit: before.get(limit, 0) + 1 for limit in broken}
        self._counts[who] = counts
        if max(counts.values(), default=0) <= self.allowed:
            return False
        del self._counts[who]
        return True

    def keep(self, children: Iterable[int]) -> None:
        """Forget children that are no more: their pids may come again."""
        kept = {None, *children}
        self._counts = {who: counts for who, counts in self._counts.items() if who in kept}
