"""Too much and too little, and for how long; and what is read out of the arbiter's statistics."""

from __future__ import annotations

from circus_stack.plugins.limits import Limits, Strikes
from circus_stack.plugins.usage import Usage, children_of, usage_of, usages

OURS = {"pid": 11, "cpu": 12.5, "mem": 3.0, "mem_info1": "1.00M", "rss": 1 << 20, "children": []}
CIRCUS = {"pid": 12, "cpu": 1.0, "mem": 2.0, "mem_info1": "1.50M", "children": [{**OURS, "pid": 13}]}
HIDDEN = {"pid": 14, "cpu": "N/A", "mem": "N/A", "mem_info1": "N/A"}


def test_figures_of_our_arbiter_and_of_circus():
    assert usage_of(OURS) == Usage(11, 12.5, 3.0, 1 << 20)
    assert usage_of(CIRCUS) == Usage(12, 1.0, 2.0, 1572864)


def test_who_is_gone_or_hides_is_left_out():
    assert usages({"11": OURS, "14": HIDDEN, "15": "No such process (stopped?)"}) == [usage_of(OURS)]


def test_children_come_with_their_parent():
    assert list(children_of({"12": CIRCUS, "x": "gone"})) == [(12, Usage(13, 12.5, 3.0, 1 << 20))]


def test_each_limit():
    one, two = Usage(1, 10, 20, 1000), Usage(2, 80, 40, 5000)

    def broken(**limits: float) -> tuple[str, ...]:
        return Limits(**limits).broken([one, two])

    assert broken(max_cpu=79) == ("over_cpu",)
    assert broken(max_cpu=80) == ()
    assert broken(min_cpu=10) == ("under_cpu",)
    assert broken(max_mem=39) == broken(max_rss=4999) == ("over_memory",)
    assert broken(min_mem=21) == broken(min_rss=1001) == ("under_memory",)
    assert broken(health=59) == ("over_health",)
    assert broken(health=60) == ()


def test_a_watcher_without_a_process_breaks_nothing():
    assert Limits(min_cpu=10, min_mem=10).broken([]) == ()


def test_only_looks_in_a_row_count():
    strikes = Strikes(2)

    assert [strikes.count(None, ["over_cpu"]) for _ in range(3)] == [False, False, True]
    assert [strikes.count(None, limits) for limits in (["a"], ["a"], [], ["a"], ["a"], ["a"])] == [False] * 5 + [True]


def test_different_limits_are_counted_each():
    strikes = Strikes(1)

    assert [strikes.count(None, limits) for limits in (["a"], ["b"], ["b"])] == [False, False, True]


def test_a_child_that_is_gone_is_forgotten():
    strikes = Strikes(1)
    strikes.count(7, ["a"])
    strikes.count(None, ["a"])
    strikes.keep([])

    assert strikes.count(7, ["a"]) is False
    assert strikes.count(None, ["a"]) is True
