"""Ranks, and who has none."""

from __future__ import annotations

from benchmarks.suite.checks import FigureLimit, FigureRatio, RoundRatio, Side, Verdict, judge
from benchmarks.suite.summary import tables
from tests.unit.benchmarks.results import figures_of, one_round, part_of, result_of


def test_fastest_first_with_ratios_paired_by_round() -> None:
    [table] = tables(part_of({"slow": [10, 30, 20], "fast": [100, 100, 100]}))
    assert [(row.entrant, row.rank) for row in table.rows] == [("fast", 1), ("slow", 2)]
    slow = table.rows[1]
    assert slow.rate is not None and slow.ratio is not None
    assert (slow.rate.median, slow.rate.least, slow.rate.most) == (20, 10, 30)
    assert slow.ratio.median == 0.2
    assert slow.cpu_s_per_1000 == 1.9 / 40 * 1000


def test_failures_and_failed_requests_have_no_rank() -> None:
    part = part_of({"good": [10], "gone": [], "wrong": [50], "idle": [0]})
    part.entrants[1].failure = "it ended with status 2:\nmore\nno such option"
    part.rounds = [*part.of("hello", "good"), one_round("wrong", 1, 50, not_2xx=3), one_round("idle", 1, 0)]
    [table] = tables(part)
    assert [(row.entrant, row.rank, row.problem) for row in table.rows] == [
        ("good", 1, ""),
        ("gone", None, "failed: it ended with status 2: no such option"),
        ("wrong", None, "failed requests in 1 of 1 rounds: 0 errors, 3 not 2xx"),
        ("idle", None, "answered nothing in 1 round"),
    ]
    assert table.rows[1].rate is None and table.rows[3].rate is None


def test_a_generator_that_gave_out_ranks_nobody() -> None:
    part = part_of({"a": [10]})
    part.rounds = [one_round("a", number, 10, generator_share=0.97) for number in (1, 2, 3)]
    assert [row.problem for row in tables(part)[0].rows] == ["the generator was the bottleneck"]
    part.rounds[1:] = [one_round("a", number, 10) for number in (2, 3)]
    assert tables(part)[0].rows[0].rank == 1


def test_a_scenario_that_never_began_has_no_table() -> None:
    part = part_of({"a": [10]}, is_complete=False)
    part.scenarios.append("later")
    assert [each.scenario for each in tables(part)] == ["hello"]


_A, _B = Side("a"), Side("b")
_TWICE = RoundRatio("Issue", "hello", _A, _B, least=2.0)


def test_a_ratio_of_rates_is_met_or_missed_or_not_measured() -> None:
    def verdicts(**rates: list[float]) -> list[tuple[str, str]]:
        return [(each.verdict, each.figure) for each in judge(result_of(part_of(rates)), [_TWICE])]

    assert _TWICE.name == "a at least 2 x b (hello)"
    assert verdicts(a=[20], b=[10]) == [(Verdict.MET, "2.00 x")]
    assert verdicts(a=[19], b=[10]) == [(Verdict.MISSED, "1.90 x")]
    assert verdicts(a=[19]) == [(Verdict.UNKNOWN, "")]
    assert verdicts(c=[19]) == []
    assert judge(result_of(part_of({"a": [20], "b": [10]}, "json")), [_TWICE]) == []


def test_a_ratio_of_p99_between_numbers_of_workers() -> None:
    check = RoundRatio("Issue", "hello", Side("a", 4), Side("a", 1), most=2.0, of="p99")
    part = part_of({"a x1": [], "a x4": []})
    part.rounds = [one_round("a x1", 1, 10, p99_ms=3.0), one_round("a x4", 1, 10, p99_ms=7.5)]
    assert [(each.verdict, each.figure) for each in judge(result_of(part), [check])] == [(Verdict.MISSED, "2.50 x")]


def test_figures_are_judged_by_limit_and_by_ratio() -> None:
    part = figures_of({"a": {"rss": [10.0, 30.0, 20.0]}, "b": {"rss": [100.0, 100.0, 100.0]}})
    limits = FigureLimit("Issue", "rss", _A, 20.0), FigureLimit("Issue", "rss", _A, 40.0, least=25.0)
    ratios = FigureRatio("Issue", "rss", _A, _B, 0.2), FigureRatio("Issue", "rss", _B, _A, 1.0)
    found = judge(result_of(part), [*limits, *ratios])
    assert [(str(each.verdict), each.figure) for each in found] == [
        ("met", "20 MiB"), ("missed", "20 MiB"), ("met", "0.20 x"), ("missed", "5.00 x"),
    ]  # fmt: skip
    assert found[1].check.name == "RSS: a 25 to 40 MiB"
    part.entrants[0].failure = "it ended"
    assert {each.verdict for each in judge(result_of(part), [*limits, *ratios])} == {Verdict.UNKNOWN}


def test_where_the_generator_gave_out_a_second_of_processor_is_compared() -> None:
    part = part_of({"a": [], "b": []})
    part.rounds = [one_round("a", 1, 100, cpu_s=1.0), one_round("b", 1, 200, cpu_s=0.5, generator_share=0.95)]
    [judged] = judge(result_of(part), [_TWICE])
    assert (judged.verdict, judged.figure) == (Verdict.MISSED, "0.25 x by CPU second")
