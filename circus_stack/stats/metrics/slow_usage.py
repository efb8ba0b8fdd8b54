"""Context switches and bytes of I/O of each watcher, as sums that only grow. Pure; see `usage` for why."""

from __future__ import annotations

from collections.abc import Collection

from circus_stack.stats.collect.slow import SlowFields

COUNTED = ("voluntary_switches", "involuntary_switches", "read_bytes", "written_bytes")


class SlowMeter:
    """`counts` has each of COUNTED by watcher."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[str, int]] = {}

    def add(self, watcher: str, before: SlowFields | None, after: SlowFields | None) -> None:
        """Take in two readings of one process; what it had counted before the first counts, too."""
        counts = self.counts.setdefault(watcher, dict.fromkeys(COUNTED, 0))
        for name in COUNTED:
            now = None if after is None else after.get(name)
            then = 0 if before is None else before.get(name)
            if now is not None:
                # A thread that has ended takes its switches along.
                counts[name] += max(0, int(now) - int(then or 0))

    def keep(self, watchers: Collection[str]) -> None:
        """Forget all others."""
        self.counts = {name: each for name, each in self.counts.items() if name in watchers}
