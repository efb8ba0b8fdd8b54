"""Two results of the same: what became worse by more than a threshold, and by more than the noise. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum

from msgspec import Struct

from .quantity import QUANTITIES
from .result import Part, Result, Round
from .statistics import Interval, median, ratio_interval
from .summary import Table, tables

# Contestants that differ by less are told apart by chance.
APART = 1.2


class Change(StrEnum):
    """`worse` and `better` are beyond threshold and noise; `broken` was measured before and failed now."""

    SAME = "same"
    WORSE = "worse"
    BETTER = "better"
    BROKEN = "broken"
    MENDED = "mended"


class Difference(Struct, frozen=True):
    """`what`: a scenario, of which requests a second are compared, or the heading of a quantity. `ratio` is new / old,
    with its interval. None where a side has no figure."""

    what: str
    unit: str
    entrant: str
    change: Change
    old: float | None
    new: float | None
    ratio: float | None
    interval: Interval | None

    @property
    def is_regression(self) -> bool:
        return self.change in (Change.WORSE, Change.BROKEN)


def pairs(old: Result, new: Result) -> list[tuple[Part, Part]]:
    """The parts that measure the same, by kind and title; of two results with one part of a kind each, these."""
    found = []
    for part in new.parts:
        alike = [each for each in old.parts if each.kind == part.kind]
        named = [each for each in alike if each.title == part.title]
        if named or len(alike) == 1:
            found.append(((named or alike)[0], part))
    return found


def compare(old: Result, new: Result, threshold: float) -> list[Difference]:
    """One for each entrant and scenario or quantity that are in both. `threshold`: the share that may be lost."""
    return [each for then, now in pairs(old, new) for each in _of_parts(then, now, threshold)]


def _of_parts(old: Part, new: Part, threshold: float) -> Iterator[Difference]:
    names = [each.name for each in new.entrants if each.name in {one.name for one in old.entrants}]
    if new.kind == "steps":
        # Each finds out its own steps: their rounds are no repetitions.
        return
    for scenario in (each for each in new.scenarios if each in old.scenarios):
        for name in names:
            sides = [_rates(part, scenario, name) for part in (old, new)]
            yield from _difference(scenario, "/s", name, sides[0], sides[1], _judge_rates(threshold))
    for key in (each for each in old.whats() if each in QUANTITIES):
        quantity = QUANTITIES[key]
        judge = _judge_counted if quantity.is_counted else _judge_rates(threshold, is_less=quantity.better == "less")
        for name in names:
            sides = [_values(part, key, name) for part in (old, new)]
            yield from _difference(quantity.heading, quantity.unit, name, sides[0], sides[1], judge)


_Judge = Callable[[Sequence[float], Sequence[float]], tuple[Change, float | None, Interval | None]]


def _difference(
    what: str, unit: str, name: str, before: Sequence[float], after: Sequence[float], judge: _Judge
) -> Iterator[Difference]:
    if not before and not after:
        return
    old, new = (median(each) if each else None for each in (before, after))
    if old is None or new is None:
        yield Difference(what, unit, name, Change.MENDED if after else Change.BROKEN, old, new, None, None)
        return
    change, ratio, interval = judge(before, after)
    yield Difference(what, unit, name, change, old, new, ratio, interval)


def _judge_rates(threshold: float, *, is_less: bool = False) -> _Judge:
    """`is_less`: whether less of it is better."""

    def judge(before: Sequence[float], after: Sequence[float]) -> tuple[Change, float | None, Interval | None]:
        if min(*before, *after) <= 0:
            return Change.SAME, None, None
        ratio, interval = median(after) / median(before), ratio_interval(after, before)
        if ratio < 1 - threshold and interval[1] < 1:
            return (Change.BETTER if is_less else Change.WORSE), ratio, interval
        if ratio > 1 + threshold and interval[0] > 1:
            return (Change.WORSE if is_less else Change.BETTER), ratio, interval
        return Change.SAME, ratio, interval

    return judge


def _judge_counted(before: Sequence[float], after: Sequence[float]) -> tuple[Change, float | None, Interval | None]:
    """What must not be at all, as failed requests, is not a matter of noise."""
    then, now = max(before), max(after)
    return Change.SAME if now == then else Change.WORSE if now > then else Change.BETTER, None, None


def _rates(part: Part, scenario: str, name: str) -> list[float]:
    """Of an entrant that served all it was asked, in the rounds in which the generator did not give out; of one that
    never was the bottleneck, in all."""
    rounds: Sequence[Round] = part.of(scenario, name)
    if _has_failed(part, name) or not all(each.is_clean for each in rounds):
        return []
    return [each.rate for each in rounds if not each.is_saturated] or [each.rate for each in rounds]


def _values(part: Part, key: str, name: str) -> list[float]:
    return [] if _has_failed(part, name) else list(part.values(name, key).values())


def _has_failed(part: Part, name: str) -> bool:
    [entrant] = [each for each in part.entrants if each.name == name]
    return entrant.failure is not None


class Order(Struct, frozen=True):
    """Of pairs of contestants in a scenario, one of which serves more by `APART` in either result: how many stand in
    the same order in both, and which do not, as (scenario, faster then, faster now)."""

    alike: int
    reversed: list[tuple[str, str, str]]


def order(old: Result, new: Result) -> Order:
    """Of what both have measured; where the users say how many requests there are, nobody serves more."""
    alike, turned = 0, []
    for then, now in pairs(old, new):
        for before, after in _tables(then, now):
            rates = {row.entrant: row.rate.median for row in after.rows if row.rank and row.rate}
            rows = [row for row in before.rows if row.rank and row.rate and row.entrant in rates]
            for at, one in enumerate(rows):
                for other in rows[at + 1 :]:
                    ratio_then, ratio_now = one.ratio_to(other), rates[one.entrant] / rates[other.entrant]
                    if max(ratio_then, 1 / ratio_then, ratio_now, 1 / ratio_now) <= APART:
                        continue
                    if (ratio_then >= 1) == (ratio_now >= 1):
                        alike += 1
                    else:
                        turned.append((before.scenario, one.entrant, other.entrant))
    return Order(alike, turned)


def _tables(old: Part, new: Part) -> Iterator[tuple[Table, Table]]:
    found = {each.scenario: each for each in tables(new) if not each.has_pace}
    for each in tables(old):
        if not each.has_pace and each.scenario in found:
            yield each, found[each.scenario]


def unlike(old: Result, new: Result) -> list[str]:
    """What differs between the two runs and makes the comparison doubtful, in words."""
    asked = {
        "machine": (old.machine.processor, new.machine.processor),
        "processors": (old.machine.cpus, new.machine.cpus),
        "Python": (old.machine.python, new.machine.python),
    }
    for then, now in pairs(old, new):
        where = f" ({now.title})" if len(new.parts) > 1 else ""
        asked |= {
            f"application{where}": (then.settings.app, now.settings.app),
            f"workers{where}": (str(then.settings.workers), str(now.settings.workers)),
            f"connections{where}": (then.settings.connections, now.settings.connections),
            f"pinning{where}": (str(then.settings.server_cpus), str(now.settings.server_cpus)),
            f"generator{where}": (then.settings.generator, now.settings.generator),
        }
    return [f"{name}: {one} then, {other} now" for name, (one, other) in asked.items() if one != other]
