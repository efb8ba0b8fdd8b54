"""Middle, spread, ratios and intervals."""

from __future__ import annotations

import pytest

from benchmarks.suite.statistics import Spread, median, paired_ratio, ratio_interval, spread


def test_median_of_odd_and_even_numbers() -> None:
    assert median([3, 1, 2]) == 2
    assert median([4, 1, 2, 3]) == 2.5
    with pytest.raises(ValueError, match="no values"):
        median([])


def test_spread() -> None:
    assert spread([5, 1, 3]) == Spread(3, 1, 5, 3)


def test_a_slow_round_falls_out_of_a_paired_ratio() -> None:
    # The second round was slow for both: the medians' ratio would be 200 / 100 as well, its spread not.
    assert paired_ratio({1: 200, 2: 20, 3: 220}, {1: 100, 2: 10, 3: 110}) == Spread(2, 2, 2, 3)


def test_rounds_without_a_partner_do_not_count() -> None:
    assert paired_ratio({1: 10, 3: 30}, {2: 1, 3: 10, 1: 0}) == Spread(3, 3, 3, 1)
    assert paired_ratio({1: 10}, {2: 10}) is None


def test_interval_holds_the_ratio_and_is_the_same_each_time() -> None:
    new, old = [110, 120, 130, 125], [100, 101, 99, 102]
    low, high = ratio_interval(new, old)
    assert low < median(new) / median(old) < high
    assert (low, high) == ratio_interval(new, old)
    assert low > 1.05, "no draw of these rounds gives less"


def test_interval_of_single_rounds_is_a_point() -> None:
    assert ratio_interval([90], [100]) == (0.9, 0.9)
    with pytest.raises(ValueError, match="no values"):
        ratio_interval([], [1])
