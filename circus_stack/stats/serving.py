"""What workers serve, out of the scoreboard: figures of the last interval, and sums that only grow."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from msgspec import structs

from chaussette.scoreboard import Reader, Snapshot
from chaussette.scoreboard.layout import STATUS_CLASSES
from chaussette.scoreboard.rates import Rates, between, total
from circus_stack.stats.aggregate import Totals
from circus_stack.stats.metrics.served import Served

log = logging.getLogger(__name__)

Fields = Mapping[str, Any]
_NOTHING: Fields = {}
_EMPTY = Snapshot(0, ())


class Serving:
    """Looks at the workers of one watcher at a time. Without a scoreboard nothing is known, and nothing is wrong."""

    def __init__(self) -> None:
        # Device and inode of what is read: an arbiter may have made another scoreboard at the same path.
        self._identity: tuple[int, int] | None = None
        self._reader: Reader | None = None
        self._marks: dict[str, Snapshot] = {}
        self._rates: dict[str, dict[int, Rates]] = {}
        self.served: dict[str, Served] = {}

    def open(self, place: str | None) -> None:
        """Read the scoreboard at this path from now on; None: there is none. One that is read already is read on."""
        identity = None if place is None else _identity(place)
        if identity is not None and identity == self._identity:
            return
        self.close()
        try:
            self._reader = None if place is None else Reader(place)
            self._identity = identity
        except (OSError, ValueError) as error:
            # The arbiter is another user's, or of another version.
            log.warning("no figures of what workers serve: %s", error)

    def look(self, watchers: Mapping[str, Iterable[int]]) -> None:
        """Take in what the workers of these watchers (pids by name) have done since the look before."""
        if self._reader is None:
            return
        now = self._reader.snapshot()
        slots = now.by_pid()
        for watcher, pids in watchers.items():
            self._take_in(watcher, Snapshot(now.at_ns, tuple(slots[pid] for pid in pids if pid in slots)))

    def _take_in(self, watcher: str, mine: Snapshot) -> None:
        before = self._marks.get(watcher)
        self._marks[watcher] = mine
        if before is None:
            # What they did before we were there is in no interval of ours.
            return
        rates = self._rates[watcher] = between(before, mine)
        if rates:
            self.served.setdefault(watcher, Served()).add(rates.values())

    def with_served(self, watcher: str, totals: Totals) -> Totals:
        """A watcher's sums, with what it serves; as they are where it serves nothing."""
        workers = self._rates.get(watcher, {}).values()
        rates = total(workers)
        if rates is None:
            return totals
        return structs.replace(
            totals,
            rps=round(rates.rps, 2),
            busy=sum(each.in_flight > 0 for each in workers),
            in_flight=rates.in_flight,
            p99=rates.percentile_s(0.99),
        )

    def details(self, watcher: str, pid: int) -> Fields:
        """What one worker serves: `rps`, `busy` (1 if it has a request, else 0), `in_flight`, `p50`, `p95`, `p99`,
        `statuses` {class: requests}; else nothing."""
        rates = self._rates.get(watcher, {}).get(pid)
        if rates is None:
            return _NOTHING
        return _details_of_idle(rates.in_flight) if rates.is_idle else _details(rates)

    def keep(self, watchers: Collection[str]) -> None:
        """Forget all other watchers."""
        for known in (self._marks, self._rates, self.served):
            for name in known.keys() - watchers:
                del known[name]

    def close(self) -> None:
        """Read no more; what was counted stays."""
        if self._reader is not None:
            self._reader.close()
        self._reader = self._identity = None
        self._marks.clear()
        self._rates.clear()


def _details(rates: Rates) -> Fields:
    return {
        "rps": round(rates.rps, 2),
        "busy": int(rates.in_flight > 0),
        "in_flight": rates.in_flight,
        "p50": rates.percentile_s(0.5),
        "p95": rates.percentile_s(0.95),
        "p99": rates.percentile_s(0.99),
        "statuses": {f"{number}xx": count for number, count in enumerate(rates.statuses) if number},
    }


@functools.lru_cache(maxsize=64)
def _details_of_idle(in_flight: int) -> Fields:
    """The same object for all who answered nothing: their messages are then made of what they were made of before."""
    nothing = {f"{number}xx": 0 for number in range(1, STATUS_CLASSES)}
    figures = {"rps": 0.0, "busy": int(in_flight > 0), "in_flight": in_flight, "p50": None, "p95": None, "p99": None}
    return {**figures, "statuses": nothing}


def _identity(place: str) -> tuple[int, int] | None:
    """Which file that is; None where it can't be told."""
    try:
        found = os.stat(place)  # noqa: PTH116 - /proc/PID/fd/N, of which the file counts, not the path
    except OSError:
        return None
    return found.st_dev, found.st_ino
