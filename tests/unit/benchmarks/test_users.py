"""What locust tells, who comes first where users have a pace, and where a contestant breaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.suite.breaking import Verdict, breaking, steps_of, verdict_of
from benchmarks.suite.kinds.steps import users_of
from benchmarks.suite.load.locust import environ_of, load_of, percentile_us
from benchmarks.suite.load.locust_file import read
from benchmarks.suite.load.measured import LoadError
from benchmarks.suite.programme import plans_of
from benchmarks.suite.report import charts, markdown
from benchmarks.suite.report.answers import answers
from benchmarks.suite.result import Settings
from benchmarks.suite.summary import tables
from tests.unit.benchmarks.results import one_round, part_of, result_of


def test_percentiles_of_a_histogram() -> None:
    times = {1: 90, 20: 9, 300: 1}
    assert [percentile_us(times, each) for each in (0.5, 0.9, 0.95, 0.99, 0.999)] == [1000, 1000, 20000, 20000, 300000]
    assert percentile_us({}, 0.5) == 0


def test_failed_requests_are_no_answers() -> None:
    found = load_of({1: 10}, 10, 4, 2.0, 1.7)
    assert (found.requests, found.errors, found.seconds, found.share) == (6, 4, 2.0, 1.0)


def test_what_a_file_of_the_users_own_found(tmp_path: Path) -> None:
    entry = {"num_requests": 10, "num_failures": 1}
    entries = [entry | {"response_times": {"3": 10}}, entry | {"response_times": {"3": 5, "40": 5}}]
    path, window = tmp_path / "found.json", tmp_path / "window"
    path.write_text(json.dumps(entries))
    with pytest.raises(LoadError, match="did not measure:\nno module named x"):
        read(path, window, "no module named x", 1)
    window.write_text('{"seconds": 4.0, "cpu_s": 2.0}')
    found = read(path, window, "", 1)
    assert (found.requests, found.errors, found.seconds, found.p50_us, found.p99_us) == (18, 2, 4.0, 3000, 40000)
    assert (found.share, read(path, window, "", 2).share) == (0.5, 0.25)


def test_settings_of_locust_stay_out_of_the_suites_own_scenarios(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCUST_USERS", "7")
    found = environ_of(tmp_path)
    assert "LOCUST_USERS" not in found and found["HOME"] == str(tmp_path) and "PATH" in found


def test_with_a_pace_who_serves_nearly_all_is_ranked_by_what_they_wait() -> None:
    part = part_of({"a": [], "b": [], "short": []})
    part.rounds = [
        one_round("a", 1, 200, p99_ms=9.0, users=200),
        one_round("b", 1, 196, p99_ms=3.0, users=200),
        one_round("short", 1, 100, p99_ms=1.0, users=200),
    ]
    [table] = tables(part)
    assert table.has_pace
    assert [(row.entrant, row.rank) for row in table.rows] == [("b", 1), ("a", 2), ("short", 3)]


@pytest.mark.parametrize(
    ("rate", "changes", "verdict"),
    [
        (100, {}, Verdict.HELD),
        (96, {"p99_ms": 1000.0, "errors": 1}, Verdict.HELD),
        (94, {}, Verdict.BROKE),
        (100, {"p99_ms": 1100.0}, Verdict.BROKE),
        (100, {"errors": 3}, Verdict.BROKE),
        (94, {"generator_share": 0.95}, Verdict.UNCLEAR),
        (0, {}, Verdict.BROKE),
    ],
)
def test_a_step_holds_or_breaks(rate: float, changes: dict[str, float], verdict: Verdict) -> None:
    assert verdict_of(one_round("a", 1, rate, users=100, **changes)) == verdict


def test_where_it_breaks_is_told_and_drawn() -> None:
    part = part_of({"gevent": [], "granian": []}, "app")
    part.kind = "steps"
    part.settings = Settings("mine:app", "/", [1], 1, 3, 1, 32, [0], [1], "locust")
    part.rounds = [
        one_round("gevent", at, rate, "app", users=users, p99_ms=wait)
        for at, (users, rate, wait) in enumerate([(50, 50, 10.0), (80, 80, 20.0), (100, 85, 4000.0)], 1)
    ]
    part.rounds.append(one_round("granian", 1, 50, "app", users=50))
    found = breaking(steps_of(part, "gevent"))
    assert found.held and found.broke
    assert (found.held.users, found.broke.users) == (80, 100)
    result = result_of(part)
    assert tables(part) == []
    assert [each.text for each in answers(result)] == [
        "Users who each ask once a second: gevent holds 80 (p99 20.0 ms), breaks at 100 (p99 4,000 ms); "
        "granian holds 50 (p99 3.00 ms), and was not brought to break."
    ]
    assert "| gevent | 100 | 85.0 | 1.00 | 2.00 | 4,000 | 0 | broke |" in markdown.render(result)
    assert "<svg" in charts.svg(charts.climbs(part, frozenset({"gevent"})), "a")


def test_steps_go_up() -> None:
    assert users_of(100.0, (0.5, 1.0, 1.25)) == [50, 100, 125]
    assert users_of(0.4, (0.5, 1.0)) == [1]
    # Beyond what locust has users for: no single step that is too high for locust itself.
    assert users_of(20000.0, (0.5, 1.0, 1.25)) == [2500, 5000]


def test_who_answers_nothing_in_one_scenario_keeps_the_others() -> None:
    part = part_of({"a": [100], "b": [90]})
    part.scenarios.append("slow")
    part.rounds += [one_round("a", 1, 50, "slow"), one_round("b", 1, 0, "slow")]
    hello, slow = tables(part)
    assert [row.rank for row in hello.rows] == [1, 2]
    assert [(row.entrant, row.rank, row.problem) for row in slow.rows] == [
        ("a", 1, ""), ("b", None, "answered nothing in 1 round"),
    ]  # fmt: skip


@pytest.mark.parametrize("app", ["pyramid", "built-in", "mine:app"])
def test_steps_can_be_taken_again(app: str, tmp_path: Path) -> None:
    part = part_of({"gevent": []}, "app")
    part.kind = "steps"
    part.settings = Settings(app, "/notes", [1], 1, 3, 1, 32, [0], [1], "locust")
    [plan] = plans_of(result_of(part), tmp_path, tmp_path)
    [scenario] = plan.scenarios
    assert [each.path for each in scenario.asks] == ["/notes"]
