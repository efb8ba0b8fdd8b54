"""At what load a contestant breaks: the judgement of steps with more and more users. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from .result import Part, Round

# Each user asks once a second. What is late or failed beyond this is broken.
MOST_P99_MS = 1000.0
LEAST_SERVED = 0.95
MOST_FAILED = 0.01


class Verdict(StrEnum):
    """`unclear`: the generator gave out, so that nobody knows."""

    HELD = "held"
    BROKE = "broke"
    UNCLEAR = "the generator gave out"


class Step(Struct, frozen=True):
    """One step, with its verdict."""

    round: Round
    verdict: Verdict


class Breaking(Struct, frozen=True):
    """`held`: the last step that held before any broke; `broke`: the first that did. None where there was none."""

    held: Round | None
    broke: Round | None


def verdict_of(found: Round) -> Verdict:
    """Of one step."""
    asked = found.requests + found.errors + found.not_2xx
    failed = (found.errors + found.not_2xx) / asked if asked else 1.0
    is_served = found.rate >= LEAST_SERVED * found.users
    if is_served and failed <= MOST_FAILED and (found.p99_ms or 0.0) <= MOST_P99_MS:
        return Verdict.HELD
    return Verdict.UNCLEAR if found.is_saturated else Verdict.BROKE


def steps_of(part: Part, entrant: str) -> list[Step]:
    """In the order in which they were taken."""
    rounds = sorted((each for each in part.rounds if each.entrant == entrant), key=lambda each: each.number)
    return [Step(each, verdict_of(each)) for each in rounds]


def breaking(steps: Sequence[Step]) -> Breaking:
    """Where it broke."""
    held: Round | None = None
    for each in steps:
        if each.verdict is Verdict.BROKE:
            return Breaking(held, each.round)
        if each.verdict is Verdict.HELD:
            held = each.round
    return Breaking(held, None)
