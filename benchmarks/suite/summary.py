"""A part of a result as the rows that every report shows: one an entrant and scenario, ranked. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from .result import Entrant, Part, Round
from .statistics import Spread, median, paired_ratio, spread

# Its rounds are no repetitions of each other: it has tables of its own.
STEPS = "steps"
# Users who think come to a little more or less, by chance.
_NEARLY = 0.95


class Row(Struct, frozen=True):
    """`rate` in requests a second. `ratio` to the fastest of the ranked, paired by round. `problem`: why it has no
    rank, else empty; then there may be no figures."""

    entrant: str
    rank: int | None
    rate: Spread | None
    ratio: Spread | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    p999_ms: float | None
    cpu_s_per_1000: float | None
    problem: str

    def ratio_to(self, other: Row) -> float:
        """Of the medians; 0 where one has none."""
        return self.rate.median / other.rate.median if self.rate and other.rate and other.rate.median else 0.0


class Table(Struct, frozen=True):
    """One scenario: the ranked, fastest first, then those without a rank. `has_pace`: whether the ranks are of p99."""

    scenario: str
    rows: list[Row]
    has_pace: bool = False


def tables(part: Part) -> list[Table]:
    """One a scenario of which anything is known."""
    if part.kind == STEPS:
        return []
    return [Table(each, _rows(part, each), _has_pace(part, each)) for each in part.scenarios if _is_begun(part, each)]


def _has_pace(part: Part, scenario: str) -> bool:
    return any(each.users for each in part.rounds if each.scenario == scenario)


def _is_begun(part: Part, scenario: str) -> bool:
    return any(each.scenario == scenario for each in part.rounds) or bool(
        part.is_complete and any(each.failure for each in part.entrants)
    )


def _rows(part: Part, scenario: str) -> list[Row]:
    found = {each.name: part.of(scenario, each.name) for each in part.entrants}
    problems = {each.name: problem_of(each, found[each.name], part.is_complete) for each in part.entrants}
    ranked = _ranked({name: rounds for name, rounds in found.items() if not problems[name]})
    best = {each.number: each.rate for each in found[ranked[0]]} if ranked else {}
    rows = [_row(name, rank, found[name], best, "") for rank, name in enumerate(ranked, 1)]
    return rows + [_row(name, None, found[name], {}, text) for name, text in problems.items() if text]


def problem_of(entrant: Entrant, rounds: Sequence[Round], is_complete: bool = True) -> str:
    """Why it can't be ranked; empty where it can. The whole of a failure is in the part."""
    if entrant.failure is not None:
        return "failed: " + _briefly(entrant.failure)
    if not rounds:
        return "not measured" if is_complete else "not measured: the run was cut off"
    if not any(each.requests or each.errors for each in rounds):
        return f"answered nothing in {len(rounds)} round{'s' if len(rounds) > 1 else ''}"
    bad = sum(not each.is_clean for each in rounds)
    if bad:
        errors, answers = sum(each.errors for each in rounds), sum(each.not_2xx for each in rounds)
        return f"failed requests in {bad} of {len(rounds)} rounds: {errors} errors, {answers} not 2xx"
    if sum(each.is_saturated for each in rounds) * 2 > len(rounds):
        return "the generator was the bottleneck"
    return ""


def _briefly(failure: str) -> str:
    """What happened, and the last that was said of it."""
    first, *more = [line for line in failure.splitlines() if any(map(str.isalnum, line))] or ["without a word"]
    return f"{first.rstrip(':')}: {more[-1].strip()}" if more else first


def _ranked(found: Mapping[str, Sequence[Round]]) -> list[str]:
    """Best first: by requests a second. Where the users say how many there are, those that serve nearly all of them by
    how long these wait, before the others."""
    rates = {name: median([each.rate for each in rounds]) for name, rounds in found.items()}
    if not any(each.users for rounds in found.values() for each in rounds):
        return sorted(rates, key=lambda name: -rates[name])
    enough = _NEARLY * max(rates.values())

    def place(name: str) -> tuple[bool, float]:
        is_short = rates[name] < enough
        return is_short, -rates[name] if is_short else median([each.p99_ms or 0.0 for each in found[name]])

    return sorted(rates, key=place)


def _row(name: str, rank: int | None, rounds: Sequence[Round], best: dict[int, float], problem: str) -> Row:
    if not any(each.requests for each in rounds):
        return Row(name, rank, None, None, None, None, None, None, None, problem)
    rates = {each.number: each.rate for each in rounds}
    return Row(
        entrant=name,
        rank=rank,
        rate=spread(list(rates.values())),
        ratio=paired_ratio(rates, best),
        p50_ms=_middle(rounds, lambda each: each.p50_ms),
        p95_ms=_middle(rounds, lambda each: each.p95_ms),
        p99_ms=_middle(rounds, lambda each: each.p99_ms),
        p999_ms=_middle(rounds, lambda each: each.p999_ms),
        cpu_s_per_1000=_middle(rounds, lambda each: each.cpu_s / each.requests * 1000 if each.requests else None),
        problem=problem,
    )


def _middle(rounds: Sequence[Round], figure: Callable[[Round], float | None]) -> float | None:
    values = [value for each in rounds if (value := figure(each)) is not None]
    return median(values) if values else None
