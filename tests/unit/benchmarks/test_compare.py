"""What became slower between two results."""

from __future__ import annotations

import pytest

from benchmarks.suite.compare import Change, Order, compare, order, unlike
from benchmarks.suite.result import Settings
from tests.unit.benchmarks.results import figures_of, one_round, part_of, result_of

_OLD = [100.0, 101.0, 99.0]


@pytest.mark.parametrize(
    ("new", "change"),
    [
        ([100.0, 99.0, 101.0], Change.SAME),
        ([95.0, 94.0, 96.0], Change.SAME),
        ([80.0, 81.0, 79.0], Change.WORSE),
        ([120.0, 121.0, 119.0], Change.BETTER),
        # By more than the threshold, but not by more than the noise of these rounds.
        ([80.0, 140.0, 70.0], Change.SAME),
        ([], Change.BROKEN),
    ],
)
def test_change(new: list[float], change: Change) -> None:
    [found] = compare(result_of(part_of({"a": _OLD})), result_of(part_of({"a": new})), 0.1)
    assert found.change == change
    assert found.is_regression == (change in (Change.WORSE, Change.BROKEN))


def test_failed_requests_are_broken_and_their_end_is_mended() -> None:
    good, bad = result_of(part_of({"a": _OLD})), result_of(part_of({"a": []}))
    bad.parts[0].rounds = [one_round("a", 1, 500, errors=2)]
    assert [each.change for each in compare(good, bad, 0.1)] == [Change.BROKEN]
    assert [each.change for each in compare(bad, good, 0.1)] == [Change.MENDED]
    assert compare(bad, bad, 0.1) == []


def test_only_what_both_have_is_compared() -> None:
    assert compare(result_of(part_of({"a": _OLD})), result_of(part_of({"b": _OLD})), 0.1) == []
    assert compare(result_of(part_of({"a": _OLD}, "json")), result_of(part_of({"a": _OLD})), 0.1) == []


def test_unlike_runs_are_told() -> None:
    old, new = result_of(part_of({"a": _OLD})), result_of(part_of({"a": _OLD}))
    assert unlike(old, new) == []
    new.parts[0].settings = Settings("built-in", "/", [4], 3, 2, 1, 32, [0], [1], "wrk")
    assert unlike(old, new) == ["workers: [1] then, [4] now"]


@pytest.mark.parametrize(
    ("new", "change"),
    [
        ([1.0, 1.02, 0.98], Change.SAME),
        ([1.5, 1.6, 1.4], Change.WORSE),
        ([0.5, 0.6, 0.4], Change.BETTER),
        ([], Change.BROKEN),
    ],
)
def test_less_of_a_time_is_better(new: list[float], change: Change) -> None:
    old = figures_of({"a": {"first-answer": [1.0, 1.01, 0.99]}})
    [found] = compare(result_of(old), result_of(figures_of({"a": {"first-answer": new}})), 0.1)
    assert (found.what, found.unit, found.change) == ("first answer", "s", change)


def test_parts_of_one_kind_are_told_apart_by_their_titles() -> None:
    parts = [part_of({"a": _OLD}), part_of({"a": [2 * each for each in _OLD]})]
    parts[1].title = "Another"
    assert [each.ratio for each in compare(result_of(*parts), result_of(*reversed(parts)), 0.1)] == [1.0, 1.0]
    assert compare(result_of(*parts), result_of(figures_of({"a": {"rss": [1.0]}})), 0.1) == []


def test_pairs_far_apart_keep_their_order_or_are_told() -> None:
    old = result_of(part_of({"a": [100], "b": [99], "c": [50], "d": [40]}))
    new = result_of(part_of({"a": [98], "b": [101], "c": [40], "d": [60]}))
    # a and b are too near to each other to have an order.
    assert order(old, new) == Order(4, [("hello", "c", "d")])
    assert order(old, old) == Order(5, [])
