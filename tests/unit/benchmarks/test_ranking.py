"""The ranking of 2012 beside a run's, and the table of starts."""

from __future__ import annotations

from benchmarks.suite import markdown, words
from benchmarks.suite.ranking import ranking
from benchmarks.suite.result import Start
from benchmarks.suite.summary import tables
from tests.unit.benchmarks.results import result_of


def test_places_are_those_among_the_ones_of_2012() -> None:
    result = result_of({"granian": [900], "gevent": [50], "waitress": [60], "meinheld": []})
    assert [(each.then, each.contestant, each.now) for each in ranking(result)] == [
        (1, "fastgevent", None),
        (2, "gevent", 2),
        (3, "meinheld", None),
        (4, "gunicorn-gevent", None),
        (5, "waitress", 1),
    ]
    assert "| 5 | Circus+waitress | waitress | 1 |" in markdown.render(result)


def test_one_alone_is_no_ranking() -> None:
    assert ranking(result_of({"gevent": [50], "granian": [900]})) == []


def test_a_run_of_starts_has_a_table_of_its_own() -> None:
    result = result_of({"gevent": [], "granian": []})
    result.kind, result.scenarios = "start", []
    result.starts = [Start("gevent", each, 2 * each, 8 * 2**20, 4 * 2**20) for each in (1.0, 3.0, 2.0)]
    assert tables(result) == []
    headings, rows = markdown.memory(result)
    assert [dict(zip(headings, row, strict=True)) for row in rows] == [
        {
            "contestant": "gevent",
            "first answer s": "2.00",
            "all up s": "4.00",
            "RSS MiB": "8",
            "PSS MiB": "4",
            "PSS MiB/worker": "4",
        }
    ]
    assert any("3 starts each" in line for line in words.facts(result))
    assert not any("connections" in line for line in words.facts(result))
