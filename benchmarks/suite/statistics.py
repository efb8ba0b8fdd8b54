"""Figures over rounds: middle, spread, intervals, and ratios paired by round. Pure, and the same for the same input."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from msgspec import Struct

# Enough for the second digit of an interval, in milliseconds of Python for a handful of rounds.
RESAMPLES = 1000
CONFIDENCE = 0.95
# Any constant: the same rounds have to give the same interval in every report.
_SEED = 20120

Interval = tuple[float, float]


class Spread(Struct, frozen=True):
    """The middle, the least and the most of some rounds, in the unit of the rounds."""

    median: float
    least: float
    most: float
    rounds: int


def median(values: Sequence[float]) -> float:
    """The middle one; of an even number the mean of the two. ValueError for none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def quantile(values: Sequence[float], share: float) -> float:
    """The value that this share of them, 0 to 1, does not exceed. ValueError for none."""
    if not values:
        raise ValueError("no values")
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def spread(values: Sequence[float]) -> Spread:
    """ValueError for none."""
    return Spread(median(values), min(values), max(values), len(values))


def paired_ratio(mine: Mapping[int, float], theirs: Mapping[int, float]) -> Spread | None:
    """Of the rounds, by number, in which both were measured; None where there is none.

    What slows a whole round down, another program or a cooler processor, falls out of a ratio within it.
    """
    ratios = [mine[number] / theirs[number] for number in sorted(mine) if theirs.get(number)]
    return spread(ratios) if ratios else None


def ratio_interval(new: Sequence[float], old: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The bootstrap interval of median(new) / median(old), from two runs whose rounds are not paired.

    ValueError where one has no rounds; positive figures only. With one round each, the interval is a point.
    """
    if not new or not old:
        raise ValueError("no values")
    chance = random.Random(_SEED)
    ratios = sorted(
        median(chance.choices(new, k=len(new))) / median(chance.choices(old, k=len(old))) for _ in range(RESAMPLES)
    )
    cut = round((1 - confidence) / 2 * RESAMPLES)
    return ratios[cut], ratios[RESAMPLES - 1 - cut]
