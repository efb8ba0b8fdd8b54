"""What is promised of circus-stack, as named checks on a result. Pure. promises.py has them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from .quantity import QUANTITIES
from .result import Entrant, Part, Result, Round
from .statistics import paired_ratio, spread
from .summary import problem_of


class Verdict(StrEnum):
    """`unknown`: the result lacks one of the sides, or one of them failed."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "not measured"


class Side(Struct, frozen=True):
    """A contestant, with so many workers where that matters."""

    contestant: str
    workers: int | None = None

    def __str__(self) -> str:
        return self.contestant if self.workers in (None, 1) else f"{self.contestant} x{self.workers}"


class RoundRatio(Struct, frozen=True):
    """In `scenario`, `mine` has at `least`, or at `most`, so many times the requests a second, or the p99, of `theirs`;
    the median over the rounds, paired."""

    issue: str
    scenario: str
    mine: Side
    theirs: Side
    least: float | None = None
    most: float | None = None
    of: Literal["requests/s", "p99"] = "requests/s"

    @property
    def name(self) -> str:
        bound = f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"
        what = "" if self.of == "requests/s" else f" {self.of}"
        return f"{self.mine}{what} {bound} x {self.theirs} ({self.scenario})"

    def concerns(self, part: Part) -> bool:
        """Whether the part could tell."""
        both = _entrant(part, self.mine), _entrant(part, self.theirs)
        return part.kind == "serve" and self.scenario in part.scenarios and any(both)

    def figure(self, part: Part) -> float | None:
        """None where it can't be told."""
        sides = []
        for side in (self.mine, self.theirs):
            entrant = _entrant(part, side)
            rounds = part.of(self.scenario, entrant.name) if entrant else []
            if entrant is None or problem_of(entrant, rounds, part.is_complete):
                return None
            sides.append({each.number: self._value(each) for each in rounds})
        found = paired_ratio(sides[0], sides[1])
        return None if found is None else found.median

    def _value(self, found: Round) -> float:
        return found.rate if self.of == "requests/s" else found.p99_ms or 0.0

    def is_met(self, figure: float) -> bool:
        return (self.least is None or figure >= self.least) and (self.most is None or figure <= self.most)

    def text(self, figure: float) -> str:
        return f"{figure:.2f} x"


class FigureRatio(Struct, frozen=True):
    """Of the quantity `what`, `mine` has at most so many times what `theirs` has; the median of ratios by round."""

    issue: str
    what: str
    mine: Side
    theirs: Side
    most: float

    @property
    def name(self) -> str:
        return f"{QUANTITIES[self.what].heading}: {self.mine} at most {self.most:g} x {self.theirs}"

    def concerns(self, part: Part) -> bool:
        """Whether the part could tell."""
        entrants = [_entrant(part, side) for side in (self.mine, self.theirs)]
        return self.what in part.whats() and any(each and part.values(each.name, self.what) for each in entrants)

    def figure(self, part: Part) -> float | None:
        """None where it can't be told."""
        mine, theirs = (_values(part, side, self.what) for side in (self.mine, self.theirs))
        found = paired_ratio(mine, theirs)
        return None if found is None else found.median

    def is_met(self, figure: float) -> bool:
        return figure <= self.most

    def text(self, figure: float) -> str:
        return f"{figure:.2f} x"


class FigureLimit(Struct, frozen=True):
    """Of the quantity `what`, `mine` has at most, and at least, so much; the median over the rounds."""

    issue: str
    what: str
    mine: Side
    most: float
    least: float | None = None

    @property
    def name(self) -> str:
        quantity = QUANTITIES[self.what]
        unit = f" {quantity.unit}".rstrip()
        low = "" if self.least is None else f"{self.least:g} to "
        return f"{quantity.heading}: {self.mine} {low or 'at most '}{self.most:g}{unit}"

    def concerns(self, part: Part) -> bool:
        """Whether the part could tell."""
        entrant = _entrant(part, self.mine)
        return entrant is not None and bool(part.values(entrant.name, self.what))

    def figure(self, part: Part) -> float | None:
        """None where it can't be told."""
        values = _values(part, self.mine, self.what)
        return spread(list(values.values())).median if values else None

    def is_met(self, figure: float) -> bool:
        return figure <= self.most and (self.least is None or figure >= self.least)

    def text(self, figure: float) -> str:
        unit = f" {QUANTITIES[self.what].unit}".rstrip()
        return f"{figure:.4g}{unit}"


Check = RoundRatio | FigureRatio | FigureLimit


class Judged(Struct, frozen=True):
    """`figure`: as text, empty where there is none."""

    check: Check
    verdict: Verdict
    figure: str


def judge(result: Result, checks: Sequence[Check]) -> list[Judged]:
    """One for each check that a part of the result concerns; by the first part that can tell."""
    found = []
    for check in checks:
        parts = [each for each in result.parts if check.concerns(each)]
        figures = [value for each in parts if (value := check.figure(each)) is not None]
        if figures:
            verdict = Verdict.MET if check.is_met(figures[0]) else Verdict.MISSED
            found.append(Judged(check, verdict, check.text(figures[0])))
        elif parts:
            found.append(Judged(check, Verdict.UNKNOWN, ""))
    return found


def _entrant(part: Part, side: Side) -> Entrant | None:
    alike = [each for each in part.entrants if each.contestant == side.contestant]
    alike = [each for each in alike if side.workers in (None, each.workers)]
    # Without a number of workers a part with several cannot be meant.
    return alike[0] if len(alike) == 1 else None


def _values(part: Part, side: Side, what: str) -> dict[int, float]:
    entrant = _entrant(part, side)
    return {} if entrant is None or entrant.failure is not None else part.values(entrant.name, what)
