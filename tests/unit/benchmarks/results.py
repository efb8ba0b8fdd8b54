"""Results to test with: rounds of given rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.suite.result import Entrant, Figure, Machine, Part, Result, Round, Settings

MACHINE = Machine("Linux 6", "A processor", 2, 2**32, "CPython 3.11", 0.1)
SETTINGS = Settings("built-in", "/", [1], 3, 2, 1, 32, [0], [1], "wrk")


def one_round(entrant: str, number: int, rate: float, scenario: str = "hello", **changes: float) -> Round:
    """A clean round of two seconds, but for `changes`."""
    given = {"requests": int(rate * 2), "seconds": 2.0, "p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0, "p999_ms": 4.0}
    given |= {"errors": 0, "not_2xx": 0, "cpu_s": 1.9, "generator_share": 0.5}
    return Round(scenario=scenario, entrant=entrant, number=number, **{**given, **changes})  # type: ignore[arg-type]


def part_of(rates: Mapping[str, Sequence[float]], scenario: str = "hello", *, is_complete: bool = True) -> Part:
    """One scenario; a round a rate."""
    return Part(
        kind="serve",
        title="Served",
        settings=SETTINGS,
        scenarios=[scenario],
        entrants=[_entrant(each) for each in rates],
        rounds=[
            one_round(name, at, each, scenario) for name, found in rates.items() for at, each in enumerate(found, 1)
        ],
        is_complete=is_complete,
    )


def figures_of(values: Mapping[str, Mapping[str, Sequence[float]]], kind: str = "start") -> Part:
    """Of each entrant, of each quantity, a value a round."""
    return Part(
        kind=kind,
        title="Measured",
        settings=SETTINGS,
        scenarios=[],
        entrants=[_entrant(each) for each in values],
        figures=[
            Figure(name, what, at, each)
            for name, by_what in values.items()
            for what, found in by_what.items()
            for at, each in enumerate(found, 1)
        ],
        is_complete=True,
    )


def _entrant(name: str) -> Entrant:
    contestant, _, workers = name.partition(" x")
    return Entrant(name, contestant, int(workers or 1), ["serve", name], {name: "1.0"}, 0.5, 2**20, 2**19)


def result_of(*parts: Part) -> Result:
    """A run of these."""
    return Result("2026-01-01T00:00:00+00:00", "1.2.3", ["circus-stack", "bench"], MACHINE, list(parts))
