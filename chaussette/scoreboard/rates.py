"""What happened between two snapshots: requests a second, percentiles, shares of status classes. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chaussette.scoreboard.histogram import percentile
from chaussette.scoreboard.layout import BUCKET_COUNT, STATUS_CLASSES, bounded
from chaussette.scoreboard.reader import SlotSnapshot, Snapshot


@dataclass(frozen=True, slots=True)
class Rates:
    """`requests` and `failures` are those between the two looks, `in_flight` is of the later one. `rps` and
    `sent_per_s` are a second; latencies are seconds, None where there was no request."""

    seconds: float
    requests: int
    in_flight: int
    failures: int
    sent: int
    accepted: int
    statuses: tuple[int, ...]
    buckets: tuple[int, ...]
    latency_s: float

    @property
    def rps(self) -> float:
        return self.requests / self.seconds if self.seconds > 0 else 0.0

    @property
    def sent_per_s(self) -> float:
        return self.sent / self.seconds if self.seconds > 0 else 0.0

    @property
    def mean_s(self) -> float | None:
        return self.latency_s / self.requests if self.requests > 0 else None

    def percentile_s(self, fraction: float) -> float | None:
        """The latency that `fraction` of the requests did not exceed."""
        return percentile(self.buckets, fraction)


def between(older: Snapshot, newer: Snapshot) -> dict[int, Rates]:
    """By pid, of each worker in the newer one. Who is new, or has another one's slot, is counted from its start."""
    seconds = (newer.at_ns - older.at_ns) / 1e9
    before = {(each.slot, each.generation): each for each in older.slots}
    return {each.pid: _difference(before.get((each.slot, each.generation)), each, seconds) for each in newer.slots}


def total(rates: Iterable[Rates]) -> Rates | None:
    """Of several workers together; None for none."""
    found = list(rates)
    if not found:
        return None
    return Rates(
        seconds=max(each.seconds for each in found),
        requests=bounded(sum(each.requests for each in found)),
        in_flight=bounded(sum(each.in_flight for each in found)),
        failures=bounded(sum(each.failures for each in found)),
        sent=bounded(sum(each.sent for each in found)),
        accepted=bounded(sum(each.accepted for each in found)),
        statuses=tuple(bounded(sum(each)) for each in zip(*(each.statuses for each in found), strict=True)),
        buckets=tuple(bounded(sum(each)) for each in zip(*(each.buckets for each in found), strict=True)),
        latency_s=sum(each.latency_s for each in found),
    )


def _difference(older: SlotSnapshot | None, newer: SlotSnapshot, seconds: float) -> Rates:
    statuses = older.statuses if older else (0,) * STATUS_CLASSES
    buckets = older.buckets if older else (0,) * BUCKET_COUNT
    return Rates(
        seconds=seconds,
        # Counts that have become smaller were forged.
        requests=max(0, newer.requests - (older.requests if older else 0)),
        in_flight=newer.in_flight,
        failures=max(0, newer.failures - (older.failures if older else 0)),
        sent=max(0, newer.sent - (older.sent if older else 0)),
        accepted=max(0, newer.accepted - (older.accepted if older else 0)),
        statuses=tuple(max(0, now - then) for then, now in zip(statuses, newer.statuses, strict=True)),
        buckets=tuple(max(0, now - then) for then, now in zip(buckets, newer.buckets, strict=True)),
        latency_s=max(0, newer.latency_ns - (older.latency_ns if older else 0)) / 1e9,
    )
