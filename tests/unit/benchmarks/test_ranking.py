"""The ranking of 2012 beside a run's."""

from __future__ import annotations

from benchmarks.suite.ranking import ranking
from benchmarks.suite.report import markdown
from tests.unit.benchmarks.results import part_of, result_of


def test_places_are_those_among_the_ones_of_2012() -> None:
    part = part_of({"granian": [900], "gevent": [50], "waitress": [60], "meinheld": []})
    assert [(each.then, each.contestant, each.now) for each in ranking(part)] == [
        (1, "fastgevent", None),
        (2, "gevent", 2),
        (3, "meinheld", None),
        (4, "gunicorn-gevent", None),
        (5, "waitress", 1),
    ]
    assert "| 5 | Circus+waitress | waitress | 1 |" in markdown.render(result_of(part))


def test_one_alone_is_no_ranking() -> None:
    assert ranking(part_of({"gevent": [50], "granian": [900]})) == []
