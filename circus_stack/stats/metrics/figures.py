"""What a page of metrics is made of: data alone, so that nobody needs Prometheus' library who serves no page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from circus_stack.stats.metrics.served import Served
from circus_stack.stats.metrics.tally import Tally

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFigures:
    """`status` is the arbiter's extended one, empty if it did not answer; `totals` are the sums of each watcher as they
    are published; `sockets` have `name`, `queued`, `limit`, `drops` and
    `accepted`."""

    status: Fields
    tally: Tally
    cpu_seconds: Mapping[str, float]
    totals: Mapping[str, Fields]
    served: Mapping[str, Served]
    slow_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    sockets: Sequence[Fields] = ()
    ticks: int = 0
    latest_s: float = 0.0
