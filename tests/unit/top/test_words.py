"""Numbers in narrow columns."""

from __future__ import annotations

import pytest

from circus_stack.top import words


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0, "0B"), (1023, "1023B"), (1024, "1.0K"), (10_188, "9.9K"), (10_240, "10K"), (1_048_000, "1.0M"),
     (5 * 2**30, "5.0G"), (2**60, "1024P")],
)  # fmt: skip
def test_sizes(value: int | None, text: str) -> None:
    assert words.size(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.000_085, "85us"),
        (0.003_14, "3.1ms"),
        (0.009_99, "10ms"),
        (0.24, "240ms"),
        (1.21, "1.2s"),
        (75.0, "75s"),
    ],
)
def test_latencies(value: float | None, text: str) -> None:
    assert words.latency(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0.0, "0.0"), (37.26, "37.3"), (99.96, "100"), (1204.4, "1204")],
)
def test_percents(value: float | None, text: str) -> None:
    assert words.percent(value) == text


@pytest.mark.parametrize(("value", "text"), [(None, ""), (0, "0"), (3.14, "3.1"), (870.2, "870"), (12_430, "12.4k")])
def test_rates(value: float | None, text: str) -> None:
    assert words.rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (42.9, "42s"), (200, "3m20"), (18_120, "5h02"), (9 * 86400 + 4 * 3600, "9d04")]
)
def test_ages(value: float | None, text: str) -> None:
    assert words.age(value) == text
