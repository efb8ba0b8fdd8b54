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
    )
}
