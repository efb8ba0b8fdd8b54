"""Latencies in logarithmic buckets: which one a duration belongs to, and percentiles out of their counts. Pure.

The unit is 4096 ns. Below 4 units a bucket is one unit wide; from there on each doubling has 4 buckets, so that a
bucket's width is at most a quarter of its lower edge. The last one, from 120 s on, has no upper edge.
"""

from __future__ import annotations

from collections.abc import Sequence

from chaussette.scoreboard.layout import BUCKET_COUNT

UNIT_BITS = 12
UNIT_S = (1 << UNIT_BITS) / 1e9
LAST = BUCKET_COUNT - 1


def bucket_of(duration_ns: int) -> int:
    """The number of the bucket, from 0."""
    units = duration_ns >> UNIT_BITS
    if units < 4:
        return units if units > 0 else 0
    bits = units.bit_length()
    found = (bits - 2) * 4 + ((units >> (bits - 3)) & 3)
    return found if found < LAST else LAST


def lower_edge_s(bucket: int) -> float:
    """The shortest duration that belongs to it, in seconds."""
    if bucket < 4:
        return bucket * UNIT_S
    doubling, quarter = divmod(bucket, 4)
    return float((4 + quarter) << (doubling - 1)) * UNIT_S


def percentile(counts: Sequence[int], fraction: float) -> float | None:
    """The duration, in seconds, that `fraction` (0 to 1) of the requests did not exceed, to about an eighth of itself;
    None where there are none."""
    total = sum(counts)
    if total <= 0:
        return None
    wanted = fraction * total
    seen = 0
    for bucket, count in enumerate(counts):
        if count and seen + count >= wanted:
            low = lower_edge_s(bucket)
            high = lower_edge_s(bucket + 1)
            return low + (high - low) * max(0.0, wanted - seen) / count
        seen += count
    return lower_edge_s(len(counts))
