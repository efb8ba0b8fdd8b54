"""Who runs: the watchers and the pids of their processes, from a snapshot of the arbiter's and its events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

# What the arbiter runs for itself: told under `circus`, as Circus has it, not as a watcher.
OWN_WATCHERS = ("circusd-stats", "circushttpd")


class Row(Struct):
    """A watcher: the pids of its processes, in the order in which they came, and seconds between its samples."""

    name: str
    interval_s: float
    pids: dict[int, None] = field(default_factory=dict)


class Census:
    """Keeps account of an arbiter's processes. `interval_s` is for watchers that don't say their own."""

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self.rows: dict[str, Row] = {}
        self.own: dict[int, str] = {}
        self._seq = 0

    def replace(self, watchers: Mapping[str, Any], seq: int, own: Mapping[int, str]) -> None:
        """Take over a snapshot: the `watchers` of an extended status, and the number of the newest event in it. `own`
        are the arbiter's pid and this program's, with the names they are shown by."""
        self._seq = seq
        self.own = dict(own)
        intervals = {name: row.interval_s for name, row in self.rows.items()}
        self.rows = {}
        for name, told in watchers.items():
            if name not in OWN_WATCHERS:
                row = self.rows[name] = Row(name, intervals.get(name, self.interval_s))
                row.pids = dict.fromkeys(each["pid"] for each in told["processes"])

    def set_interval(self, name: str, interval_s: float | None) -> None:
        """A watcher's own interval; None for that of all."""
        if name in self.rows:
            self.rows[name].interval_s = interval_s or self.interval_s

    def apply(self, event: str, fields: Mapping[str, Any]) -> None:
        """One event of the stream; what is in the snapshot already is passed over."""
        name, seq = fields.get("watcher"), fields.get("seq", 0)
        if not isinstance(name, str) or seq <= self._seq or name in OWN_WATCHERS:
            return
        if event == "remove":
            self.rows.pop(name, None)
            return
        if event not in ("add", "spawn", "reap"):
            return
        row = self.rows.setdefault(name, Row(name, self.interval_s))
        pid = fields.get("process_pid")
        if event == "spawn" and isinstance(pid, int):
            row.pids[pid] = None
        elif event == "reap" and isinstance(pid, int):
            row.pids.pop(pid, None)

    def intervals(self) -> dict[float, list[Row]]:
        """The watchers by the time between their samples."""
        found: dict[float, list[Row]] = {}
        for row in self.rows.values():
            found.setdefault(row.interval_s, []).append(row)
        return found

    def all_pids(self) -> Iterable[int]:
        """Everybody's, the arbiter's own included."""
        return {*self.own, *(pid for row in self.rows.values() for pid in row.pids)}
