"""What happened between two snapshots: requests a second, percentiles, shares of status classes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chaussette.scoreboard.histogram import percentile
from chaussette.scoreboard.layout import BUCKET_COUNT, STATUS_CLASSES, State, bounded
from chaussette.scoreboard.reader import SlotSnapshot, Snapshot

_NO_STATUSES = (0,) * STATUS_CLASSES
# Of whoever has answered nothing between two looks. One object, so that it is known again.
_NO_BUCKETS = (0,) * BUCKET_COUNT
# A worker that has done nothing yet.
_NOTHING = SlotSnapshot(
    slot=0,
    generation=0,
    pid=0,
    state=State.NONE,
    started_ns=0,
    heartbeat_ns=0,
    timeout_ms=0,
    requests=0,
    in_flight=0,
    sent=0,
    accepted=0,
    latency_ns=0,
    failures=0,
    statuses=_NO_STATUSES,
    buckets=_NO_BUCKETS,
)


class Rates(NamedTuple):
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
    def is_idle(self) -> bool:
        """Whether no request came to its end."""
        return self.buckets is _NO_BUCKETS

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
    return {
        each.pid: _difference(before.get((each.slot, each.generation), _NOTHING), each, seconds) for each in newer.slots
    }


def total(rates: Iterable[Rates]) -> Rates | None:
    """Of several workers together; None for none."""
    found = list(rates)
    if not found:
        return None
    # Most workers are idle.
    moved = [each for each in found if not each.is_idle]
    return Rates(
        seconds=max(each.seconds for each in found),
        requests=bounded(sum(each.requests for each in found)),
        in_flight=bounded(sum(each.in_flight for each in found)),
        failures=bounded(sum(each.failures for each in found)),
        sent=bounded(sum(each.sent for each in found)),
        accepted=bounded(sum(each.accepted for each in found)),
        statuses=_sums([each.statuses for each in moved]) or _NO_STATUSES,
        buckets=_sums([each.buckets for each in moved]) or _NO_BUCKETS,
        latency_s=sum(each.latency_s for each in found),
    )


def _sums(counts: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(bounded(sum(each)) for each in zip(*counts, strict=True))


def _difference(older: SlotSnapshot, newer: SlotSnapshot, seconds: float) -> Rates:
    statuses, buckets = _NO_STATUSES, _NO_BUCKETS
    if older.statuses != newer.statuses or older.buckets != newer.buckets:
        statuses, buckets = _growth(older.statuses, newer.statuses), _growth(older.buckets, newer.buckets)
    return Rates(
        seconds=seconds,
        # Counts that have become smaller were forged.
        requests=max(0, newer.requests - older.requests),
        in_flight=newer.in_flight,
        failures=max(0, newer.failures - older.failures),
        sent=max(0, newer.sent - older.sent),
        accepted=max(0, newer.accepted - older.accepted),
        statuses=statuses,
        buckets=buckets,
        latency_s=max(0, newer.latency_ns - older.latency_ns) / 1e9,
    )


def _growth(older: tuple[int, ...], newer: tuple[int, ...]) -> tuple[int, ...]:
    return tuple([max(0, now - then) for then, now in zip(older, newer, strict=True)])
