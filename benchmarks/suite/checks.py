"""What is promised of circus-stack, as named checks on a result. Pure. promises.py has them."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from .quantity import QUANTITIES
from .result import Entrant, Part, Result, Round
from .statistics import paired_ratio, spread


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
    the median over the rounds, paired. Where the generator gave out before one of them, what each serves with a second
    of its processors is compared: that is what it would serve if it were asked for more."""

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
        sides = [self._rounds(part, side) for side in (self.mine, self.theirs)]
        if not all(sides):
            return None
        is_by_cpu = self.is_by_cpu(part)
        mine, theirs = ({each.number: self._value(each, is_by_cpu=is_by_cpu) for each in side} for side in sides)
        found = paired_ratio(mine, theirs)
        return None if found is None else found.median

    def is_by_cpu(self, part: Part) -> bool:
        """Whether the generator gave out."""
        rounds = [each for side in (self.mine, self.theirs) for each in self._rounds(part, side)]
        return self.of == "requests/s" and any(each.is_saturated for each in rounds)

    def _rounds(self, part: Part, side: Side) -> list[Round]:
        """None of an entrant that failed, or failed requests."""
        entrant = _entrant(part, side)
        rounds = part.of(self.scenario, entrant.name) if entrant and entrant.failure is None else []
        return rounds if all(each.is_clean for each in rounds) else []

    def _value(self, found: Round, *, is_by_cpu: bool) -> float:
        if is_by_cpu:
            return found.requests / found.cpu_s if found.cpu_s else 0.0
        return found.rate if self.of == "requests/s" else found.p99_ms or 0.0

    def is_met(self, figure: float) -> bool:
        return (self.least is None or figure >= self.least) and (self.most is None or figure <= self.most)

    def text(self, figure: float, part: Part) -> str:
        return f"{figure:.2f} x{' by CPU second' if self.is_by_cpu(part) else ''}"


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

    def text(self, figure: float, _part: Part) -> str:
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

    def text(self, figure: float, _part: Part) -> str:
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
        figures = [(value, each) for each in parts if (value := check.figure(each)) is not None]
        if figures:
            figure, part = figures[0]
            verdict = Verdict.MET if check.is_met(figure) else Verdict.MISSED
            found.append(Judged(check, verdict, check.text(figure, part)))
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
