"""Two results of the same scenarios: what became slower by more than a threshold, and by more than the noise. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from .result import Result, Round
from .statistics import Interval, median, ratio_interval


class Change(StrEnum):
    """`slower` and `faster` are beyond threshold and noise; `broken` served before and does not any more."""

    SAME = "same"
    SLOWER = "slower"
    FASTER = "faster"
    BROKEN = "broken"
    MENDED = "mended"


class Difference(Struct, frozen=True):
    """Rates in requests a second; `ratio` is new / old, with its interval. None where a side has no figure."""

    scenario: str
    contestant: str
    change: Change
    old: float | None
    new: float | None
    ratio: float | None
    interval: Interval | None

    @property
    def is_regression(self) -> bool:
        return self.change in (Change.SLOWER, Change.BROKEN)


def compare(old: Result, new: Result, threshold: float) -> list[Difference]:
    """One for each contestant and scenario that are in both. `threshold`: the share of the rate that may be lost."""
    scenarios = [each for each in new.scenarios if each in old.scenarios]
    names = [each.name for each in new.entrants if each.name in {one.name for one in old.entrants}]
    pairs = [(scenario, name) for scenario in scenarios for name in names]
    found = (_difference(old, new, scenario, name, threshold) for scenario, name in pairs)
    return [each for each in found if each is not None]


def _difference(old: Result, new: Result, scenario: str, name: str, threshold: float) -> Difference | None:
    before, after = _rates(old, scenario, name), _rates(new, scenario, name)
    if not before and not after:
        return None
    if not before or not after:
        change = Change.MENDED if after else Change.BROKEN
        return Difference(scenario, name, change, _middle(before), _middle(after), None, None)
    ratio, interval = median(after) / median(before), ratio_interval(after, before)
    return Difference(
        scenario, name, _change(ratio, interval, threshold), median(before), median(after), ratio, interval
    )


def _change(ratio: float, interval: Interval, threshold: float) -> Change:
    low, high = interval
    if ratio < 1 - threshold and high < 1:
        return Change.SLOWER
    if ratio > 1 + threshold and low > 1:
        return Change.FASTER
    return Change.SAME


def _rates(result: Result, scenario: str, name: str) -> list[float]:
    """Of a contestant that served all it was asked, in the rounds in which the generator did not give out; of one that
    never was the bottleneck, in all."""
    [entrant] = [each for each in result.entrants if each.name == name]
    rounds: Sequence[Round] = result.of(scenario, name)
    if entrant.failure is not None or not all(each.is_clean for each in rounds):
        return []
    return [each.rate for each in rounds if not each.is_saturated] or [each.rate for each in rounds]


def _middle(rates: Sequence[float]) -> float | None:
    return median(rates) if rates else None


def unlike(old: Result, new: Result) -> list[str]:
    """What differs between the two runs and makes the comparison doubtful, in words."""
    asked = {
        "machine": (old.machine.processor, new.machine.processor),
        "processors": (old.machine.cpus, new.machine.cpus),
        "Python": (old.machine.python, new.machine.python),
        "application": (old.settings.app, new.settings.app),
        "workers": (old.settings.workers, new.settings.workers),
        "connections": (old.settings.connections, new.settings.connections),
        "pinning": (old.settings.server_cpus, new.settings.server_cpus),
    }
    return [f"{name}: {one} then, {other} now" for name, (one, other) in asked.items() if one != other]
