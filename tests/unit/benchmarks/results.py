"""Results to test with: rounds of given rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.suite.result import Entrant, Machine, Result, Round, Settings

MACHINE = Machine("Linux 6", "A processor", 2, 2**32, "CPython 3.11", 0.1)
SETTINGS = Settings("built-in", 1, 3, 2, 32, [0], [1], "wrk")


def one_round(contestant: str, number: int, rate: float, scenario: str = "hello", **changes: float) -> Round:
    """A clean round of two seconds, but for `changes`."""
    given = {"requests": int(rate * 2), "seconds": 2.0, "p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0, "p999_ms": 4.0}
    given |= {"errors": 0, "not_2xx": 0, "cpu_s": 1.9, "generator_share": 0.5}
    return Round(scenario=scenario, contestant=contestant, number=number, **{**given, **changes})  # type: ignore[arg-type]


def result_of(rates: Mapping[str, Sequence[float]], scenario: str = "hello", *, is_complete: bool = True) -> Result:
    """One scenario; a round a rate."""
    return Result(
        kind="serve",
        made_at="2026-01-01T00:00:00+00:00",
        machine=MACHINE,
        settings=SETTINGS,
        scenarios=[scenario],
        entrants=[Entrant(each, ["serve", each], {each: "1.0"}, 0.5, 2**20, 2**19) for each in rates],
        rounds=[
            one_round(name, at, each, scenario) for name, found in rates.items() for at, each in enumerate(found, 1)
        ],
        version="1.2.3",
        is_complete=is_complete,
    )
