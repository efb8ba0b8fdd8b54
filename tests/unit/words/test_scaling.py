"""How ranges and conditions of autoscaling are read, what they say of figures, and where a mistake is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circus_stack.scaling import (
    UNITS,
    Comparison,
    Condition,
    ConditionError,
    ScaleRange,
    parse_condition,
    parse_range,
)


def test_and_binds_closer_than_or() -> None:
    found = parse_condition("busy > 80% or cpu>=70 percent AND p99 > 0.5s")
    assert found.alternatives == (
        (Comparison("busy", ">", 80),),
        (Comparison("cpu", ">=", 70), Comparison("p99", ">", 500)),
    )
    assert str(found) == "busy > 80% or cpu >= 70% and p99 > 500ms"


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"busy": 81.26, "backlog": 0.0}, "busy 81.3% > 80%"),
        ({"busy": 80.0, "backlog": 11.0}, "backlog 11 > 10"),
        ({"busy": 80.0, "backlog": 10.0}, ""),
        ({"backlog": 11.0}, "backlog 11 > 10"),
        ({}, ""),
    ],
)
def test_first_alternative_that_holds_is_the_reason(figures: dict[str, float], reason: str) -> None:
    assert parse_condition("busy > 80% or backlog > 10").reason(figures) == reason


@pytest.mark.parametrize(
    ("sign", "verdicts"), [("<", (True, False, False)), ("<=", (True, True, False)), (">=", (False, True, True))]
)
def test_signs(sign: str, verdicts: tuple[bool, ...]) -> None:
    comparison = Comparison("cpu", sign, 50)
    assert tuple(comparison.holds({"cpu": value}) for value in (49.0, 50.0, 51.0)) == verdicts


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("busy > 1% and memory < 80%", None),
        ("busy > 5% and memory < 80%", False),
        ("busy > 1% or memory < 80%", True),
        ("busy > 5% or memory < 80%", None),
    ],
)
def test_what_nobody_knows_decides_only_where_nothing_else_does(text: str, verdict: bool | None) -> None:
    assert parse_condition(text).holds({"busy": 2.0}) is verdict
    assert parse_condition(text).missing({"busy": 2.0}) == ("memory",)


@pytest.mark.parametrize(
    ("text", "column", "legal"),
    [
        ("", 1, "busy > 80%"),
        ("bussy > 80%", 1, "busy, backlog"),
        ("busy > 80% or", 14, "busy > 80%"),
        ("busy > 80% xor cpu > 1%", 12, "and, or"),
        ("busy > 80", 10, "80%"),
        ("p99 > 5h", 8, "ms or s"),
        ("backlog > 10%", 13, "no unit"),
        ("busy = 80%", 1, "busy > 80%"),
        ("busy > -1%", 1, "busy > 80%"),
        ("__import__('os')", 1, "busy > 80%"),
        ("busy > 1% and " * 100, 1001, "at most"),
    ],
)
def test_mistakes_tell_their_column_and_what_is_right(text: str, column: int, legal: str) -> None:
    with pytest.raises(ConditionError, match=f"in column {column}$") as caught:
        parse_condition(text)
    assert caught.value.column == column
    assert legal in caught.value.legal


_NUMBERS = st.integers(0, 10**12).map(lambda number: number / 1000)
_COMPARISONS = st.builds(Comparison, st.sampled_from(sorted(UNITS)), st.sampled_from(["<", "<=", ">", ">="]), _NUMBERS)
_ALL = st.lists(_COMPARISONS, min_size=1, max_size=3).map(tuple)


@given(st.builds(Condition, st.lists(_ALL, min_size=1, max_size=3).map(tuple)))
def test_text_of_a_condition_is_read_as_the_same(condition: Condition) -> None:
    assert parse_condition(str(condition)) == condition


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_a_mistake_with_its_column(text: str) -> None:
    try:
        parse_condition(text)
    except ConditionError as error:
        assert 1 <= error.column <= len(text) + 1
        assert error.legal


@pytest.mark.parametrize("text", ["2..16", " 2 .. 16 "])
def test_ranges(text: str) -> None:
    assert parse_range(text) == ScaleRange(2, 16)
    assert str(parse_range(text)) == "2..16"


@pytest.mark.parametrize("text", ["", "2", "2...4", "0..4", "4..2", "2..10001", "a..b", "2..", "-1..4", "٢..٤"])
def test_no_ranges(text: str) -> None:
    with pytest.raises(ValueError):
        parse_range(text)


def test_range_holds_both_ends() -> None:
    found = ScaleRange(2, 4)
    assert [number in found for number in (1, 2, 4, 5)] == [False, True, True, False]
    assert [found.clamp(number) for number in (1, 3, 9)] == [2, 3, 4]
