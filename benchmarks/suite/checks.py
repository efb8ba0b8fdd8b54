"""What is promised of our servers beside others, as named checks on a result. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from .result import Result
from .statistics import paired_ratio
from .summary import problem_of


class Verdict(StrEnum):
    """`unknown`: the result lacks one of the two, or one of them has no rank."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "not measured"


class Check(Struct, frozen=True):
    """In `scenario`, `mine` serves at least `least` times the requests that `theirs` serves, with as many workers."""

    name: str
    scenario: str
    mine: str
    theirs: str
    least: float


class Judged(Struct, frozen=True):
    """`ratio`: the median over the rounds."""

    check: Check
    verdict: Verdict
    ratio: float | None


def _of(mine: str, theirs: str, least: float) -> list[Check]:
    return [
        Check(f"{mine} at least {least:g} x {theirs} ({scenario})", scenario, mine, theirs, least)
        for scenario in ("hello", "browser")
    ]


# Asked for in the issue "Chaussette", of one worker each.
CHECKS: Sequence[Check] = (
    *_of("fastgevent", "gunicorn-gevent", 8.0),
    *_of("fastgevent", "granian", 1.0),
    *_of("fastgevent", "bjoern-alone", 0.6),
    *_of("gevent", "gunicorn-gevent", 1.2),
)


def judge(result: Result, checks: Sequence[Check] = CHECKS) -> list[Judged]:
    """One for each check whose scenario was part of the run."""
    return [_judge(result, each) for each in checks if each.scenario in result.scenarios]


def _judge(result: Result, check: Check) -> Judged:
    entrants = {each.name: each for each in result.entrants}
    sides = []
    for name in (check.mine, check.theirs):
        rounds = result.of(check.scenario, name)
        if name not in entrants or problem_of(entrants[name], rounds):
            return Judged(check, Verdict.UNKNOWN, None)
        sides.append({each.number: each.rate for each in rounds})
    found = paired_ratio(sides[0], sides[1])
    if found is None:
        return Judged(check, Verdict.UNKNOWN, None)
    return Judged(check, Verdict.MET if found.median >= check.least else Verdict.MISSED, found.median)
