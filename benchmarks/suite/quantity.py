"""What is measured beside requests: each quantity with its unit, and which way is better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

Unit = Literal["s", "ms", "%", "MiB", "/s", ""]


class Quantity(Struct, frozen=True):
    """`heading`: of its column, without the unit. `better`: less or more of it. `help`: what exactly is measured.
    `is_counted`: a whole number of which any that is worse counts, as of failed requests; no noise excuses it."""

    key: str
    heading: str
    unit: Unit
    help: str
    better: Literal["less", "more"] = "less"
    is_counted: bool = False


QUANTITIES: Mapping[str, Quantity] = {
    each.key: each
    for each in (
        Quantity("first-answer", "first answer", "s", "from the start of the program to its first answer"),
        Quantity("all-up", "all up", "s", "until none of its processes has work any more"),
        Quantity("rss", "RSS", "MiB", "resident memory of all its processes, summed"),
        Quantity("pss", "PSS", "MiB", "memory of all its processes, shared pages split among those that share them"),
        Quantity("pss-worker", "PSS/worker", "MiB", "that, divided by the workers"),
        Quantity("rss-worker", "RSS of a worker", "MiB", "resident memory of the middle one of the workers"),
        Quantity("cold-reload", "reload", "s", "without load: until new workers answer and the old ones are gone"),
        Quantity("reload", "reload", "s", "under load: until new workers answer and the old ones are gone"),
        Quantity(
            "failed", "failed", "", "requests under load that got no answer, or one of a failure", is_counted=True
        ),
        Quantity("closed", "closed", "", "those of them whose connection the server closed", is_counted=True),
        Quantity("steady-p99", "p99 before", "ms", "latency that 99 of 100 requests stay below, without a reload"),
        Quantity("rolling-p99", "p99 rolling", "ms", "the same while reload follows reload"),
        Quantity("rolling-served", "served rolling", "/s", "requests answered in that time", better="more"),
    )
}
