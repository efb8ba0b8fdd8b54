"""What the workers of a watcher served, as sums that only grow. Pure.

A sum over the workers that run now falls whenever one of them is replaced; Prometheus would take that for a new
beginning and count everything again. So what each has done since the look before is added up here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from chaussette.scoreboard.histogram import lower_edge_s
from chaussette.scoreboard.layout import BUCKET_COUNT, STATUS_CLASSES
from chaussette.scoreboard.rates import Rates, total

# Edges are products of floats: the same edge may differ in its last bits.
_ROUNDING = 1 - 1e-9


@dataclass(slots=True)
class Served:
    """What workers served since circusd-stats began. `statuses` are those of the scoreboard: without a legal status,
    then 1xx to 5xx; `buckets` those of its histogram."""

    failures: int = 0
    in_flight: int = 0
    accepted: int = 0
    sent: int = 0
    latency_s: float = 0.0
    statuses: tuple[int, ...] = (0,) * STATUS_CLASSES
    buckets: tuple[int, ...] = (0,) * BUCKET_COUNT

    @property
    def known_accepted(self) -> int | None:
        """None where the backend keeps it to itself: requests came from somewhere."""
        return None if not self.accepted and any(self.statuses) else self.accepted

    def add(self, rates: Collection[Rates]) -> None:
        """Take in what the workers served since the look before."""
        found = total(rates)
        if found is None:
            return
        self.in_flight = found.in_flight
        self.failures += found.failures
        self.accepted += found.accepted
        self.sent += found.sent
        self.latency_s += found.latency_s
        self.statuses = tuple(map(sum, zip(self.statuses, found.statuses, strict=True)))
        self.buckets = tuple(map(sum, zip(self.buckets, found.buckets, strict=True)))

    def cumulated(self, edges_s: Sequence[float]) -> list[int]:
        """How many requests took less than each of the edges, which must be edges of the scoreboard's buckets."""
        counts, total, bucket = [], 0, 0
        for edge in edges_s:
            while bucket < BUCKET_COUNT and lower_edge_s(bucket) < edge * _ROUNDING:
                total += self.buckets[bucket]
                bucket += 1
            counts.append(total)
        return counts
