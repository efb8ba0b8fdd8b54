"""What has happened to each watcher, counted from the arbiter's events: numbers that only grow. Pure.

They begin at 0 when circusd-stats does; Prometheus takes a smaller number than before for a new beginning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Fields = Mapping[str, Any]

# What is counted of each watcher -> the event that counts it up.
COUNTED = {
    "starts": "spawn",
    "hangs": "hung",
    "health_failures": "unhealthy",
    "memory_exceeded": "memory_exceeded",
    "limit_kills": "limit_reached",
    "hook_failures": "hook_failure",
    "give_ups": "failed",
}
_BY_EVENT = {event: name for name, event in COUNTED.items()}
RELOADS = {"reload": "succeeded", "reload_failed": "failed"}
# How a process came to its end.
EXITS = ("expected", "failed", "signaled")


class Tally:
    """Counts by watcher. `restarts` are the ends that nobody had asked for."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {}
        # Pids of those whose end was counted without an event.
        self._unheard: set[int] = set()

    def apply(self, event: str, fields: Fields) -> None:
        """One event of the stream; what is not counted is passed over."""
        watcher = fields.get("watcher")
        if not isinstance(watcher, str):
            return
        if event == "remove":
            self._counts.pop(watcher, None)
            return
        counts, pid = self._counts.setdefault(watcher, Counter()), fields.get("process_pid")
        if pid in self._unheard and event in ("spawn", "reap"):
            self._unheard.discard(pid)
            if event == "reap":
                return
        if event == "reap":
            counts[f"exit_{_exit(fields)}"] += 1
        elif event in RELOADS:
            counts[f"reload_{RELOADS[event]}"] += 1
        elif event in _BY_EVENT:
            counts[_BY_EVENT[event]] += 1

    def add_unheard(self, ends: Mapping[str, Iterable[int]]) -> None:
        """Processes (pids by watcher) that have ended unasked, of which no event has told so far: while the arbiter was
        dead, say. Where it tells after all, it isn't counted again."""
        for watcher, pids in ends.items():
            found = set(pids)
            self._counts.setdefault(watcher, Counter())["exit_failed"] += len(found)
            self._unheard |= found

    def count(self, watcher: str, name: str) -> int:
        """How often something has happened to a watcher."""
        return self._counts[watcher][name] if watcher in self._counts else 0

    def restarts(self, watcher: str) -> int:
        """Processes that ended though nobody had asked them to."""
        return self.count(watcher, "exit_failed") + self.count(watcher, "exit_signaled")

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)


def _exit(fields: Fields) -> str:
    if fields.get("expected"):
        return "expected"
    code = fields.get("exit_code")
    return "signaled" if isinstance(code, int) and code < 0 else "failed"
