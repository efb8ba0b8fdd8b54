"""Who runs: the watchers and the pids of their processes, from a snapshot of the arbiter's and its events. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

# What the arbiter runs for itself: told under `circus`, as Circus has it, not as a watcher.
OWN_WATCHERS = ("circusd-stats", "circushttpd")


class Seat(Struct, frozen=True):
    """The slot of a process, and its generation; None where that was not told."""

    wid: int | None = None
    generation: int | None = None

    def is_taken_over_by(self, other: Seat) -> bool:
        """Whether another process runs there in this one's stead, not as the next generation."""
        is_same = None in (self.generation, other.generation) or self.generation == other.generation
        return self.wid is not None and self.wid == other.wid and is_same


class Row(Struct):
    """A watcher: the pids of its processes, in the order in which they came, and seconds between its samples."""

    name: str
    interval_s: float
    pids: dict[int, Seat] = field(default_factory=dict)


class Census:
    """Keeps account of an arbiter's processes. `interval_s` is for watchers that don't say their own."""

    def __init__(self, interval_s: float) -> None:
        self.interval_s = interval_s
        self.rows: dict[str, Row] = {}
        self.own: dict[int, str] = {}
        self._seq = 0
        # Whose end another arbiter has told, of which there is no snapshot yet.
        self._heard_gone: set[int] = set()

    def replace(self, watchers: Mapping[str, Any], seq: int, own: Mapping[int, str]) -> dict[str, list[int]]:
        """Take over a snapshot: the `watchers` of an extended status, and the number of the newest event in it. `own`
        are the arbiter's pid and this program's, with the names they are shown by.

        Returns the processes of each watcher that have ended unheard, while there was no arbiter, say, and were
        replaced: what runs in their stead is of the same generation, so that nobody had asked for it."""
        before, self.rows = self.rows, {}
        self._seq = seq
        self.own = dict(own)
        for name, told in watchers.items():
            if name not in OWN_WATCHERS:
                row = self.rows[name] = Row(name, before[name].interval_s if name in before else self.interval_s)
                row.pids = {each["pid"]: Seat(each.get("wid"), each.get("generation")) for each in told["processes"]}
        unheard = {name: self._unheard(before[name], row) for name, row in self.rows.items() if name in before}
        self._heard_gone.clear()
        return {name: pids for name, pids in unheard.items() if pids}

    def _unheard(self, before: Row, now: Row) -> list[int]:
        new = [seat for pid, seat in now.pids.items() if pid not in before.pids]
        gone = before.pids.keys() - now.pids.keys() - self._heard_gone
        return [pid for pid in gone if any(before.pids[pid].is_taken_over_by(each) for each in new)]

    def hear(self, event: str, fields: Mapping[str, Any]) -> None:
        """An event that is to be applied after the next snapshot."""
        if event == "reap" and isinstance(fields.get("process_pid"), int):
            self._heard_gone.add(fields["process_pid"])

    def set_interval(self, name: str, interval_s: float | None) -> None:
        """A watcher's own interval; None for that of all."""
        if name in self.rows:
            self.rows[name].interval_s = interval_s or self.interval_s

    def apply(self, event: str, fields: Mapping[str, Any]) -> None:
        """One event of the stream; what is in the snapshot already is passed over."""
        name, seq, pid = fields.get("watcher"), fields.get("seq", 0), fields.get("process_pid")
        if not isinstance(name, str) or name in OWN_WATCHERS:
            return
        if seq <= self._seq:
            self.hear(event, fields)
            return
        if event == "remove":
            self.rows.pop(name, None)
            return
        if event not in ("add", "spawn", "reap"):
            return
        row = self.rows.setdefault(name, Row(name, self.interval_s))
        if event == "spawn" and isinstance(pid, int):
            wid = fields.get("wid")
            self._heard_gone.discard(pid)
            row.pids[pid] = Seat(wid if isinstance(wid, int) else None)
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
