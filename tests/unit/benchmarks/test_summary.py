"""Ranks, and who has none."""

from __future__ import annotations

from benchmarks.suite.checks import Check, Verdict, judge
from benchmarks.suite.summary import tables
from tests.unit.benchmarks.results import one_round, result_of


def test_fastest_first_with_ratios_paired_by_round() -> None:
    [table] = tables(result_of({"slow": [10, 30, 20], "fast": [100, 100, 100]}))
    assert [(row.contestant, row.rank) for row in table.rows] == [("fast", 1), ("slow", 2)]
    slow = table.rows[1]
    assert slow.rate is not None and slow.ratio is not None
    assert (slow.rate.median, slow.rate.least, slow.rate.most) == (20, 10, 30)
    assert slow.ratio.median == 0.2
    assert slow.cpu_s_per_1000 == 1.9 / 40 * 1000


def test_failures_and_failed_requests_have_no_rank() -> None:
    result = result_of({"good": [10], "gone": [], "wrong": [50], "idle": [0]})
    result.entrants[1].failure = "it ended with status 2:\nmore\nno such option"
    result.rounds = [*result.of("hello", "good"), one_round("wrong", 1, 50, not_2xx=3), one_round("idle", 1, 0)]
    [table] = tables(result)
    assert [(row.contestant, row.rank, row.problem) for row in table.rows] == [
        ("good", 1, ""),
        ("gone", None, "failed: it ended with status 2: no such option"),
        ("wrong", None, "failed requests in 1 of 1 rounds: 0 errors, 3 not 2xx"),
        ("idle", None, "failed requests in 1 of 1 rounds: 0 errors, 0 not 2xx"),
    ]
    assert table.rows[1].rate is None and table.rows[3].rate is None


def test_a_generator_that_gave_out_ranks_nobody() -> None:
    result = result_of({"a": [10]})
    result.rounds = [one_round("a", number, 10, generator_share=0.97) for number in (1, 2, 3)]
    assert [row.problem for row in tables(result)[0].rows] == ["the generator was the bottleneck"]
    result.rounds[1:] = [one_round("a", number, 10) for number in (2, 3)]
    assert tables(result)[0].rows[0].rank == 1


def test_a_scenario_that_never_began_has_no_table() -> None:
    result = result_of({"a": [10]}, is_complete=False)
    result.scenarios.append("later")
    assert [each.scenario for each in tables(result)] == ["hello"]


def test_checks() -> None:
    check = Check("a at least 2 x b", "hello", "a", "b", 2.0)
    assert [each.verdict for each in judge(result_of({"a": [20], "b": [10]}), [check])] == [Verdict.MET]
    assert [each.verdict for each in judge(result_of({"a": [19], "b": [10]}), [check])] == [Verdict.MISSED]
    assert [each.verdict for each in judge(result_of({"a": [19]}), [check])] == [Verdict.UNKNOWN]
    assert judge(result_of({"a": [20], "b": [10]}, "json"), [check]) == []
