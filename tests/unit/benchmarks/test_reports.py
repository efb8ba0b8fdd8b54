"""A result as Markdown and as a page."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.suite import charts, markdown, page, words
from benchmarks.suite.summary import tables
from tests.unit.benchmarks.results import result_of


def test_markdown_has_a_table_a_scenario_and_the_problems() -> None:
    result = result_of({"gevent": [1000, 2000, 3000], "b|d": [500]})
    result.entrants[1].failure = "it | ended"
    text = markdown.render(result)
    assert "## hello\n\n| contestant | requests/s |" in text
    assert "| gevent | 2,000 | 1,000 .. 3,000 | 1.00 | 1.00 | 2.00 | 3.00 | 4.00 |" in text
    assert "- b\\|d: failed: it \\| ended" in text
    assert "not measured: gevent at least 1.2 x gunicorn-gevent (hello)" in text


def test_page_needs_nothing_else_and_escapes() -> None:
    result = result_of({"gevent": [1000], "granian": [500]})
    result.entrants[1].failure = "<script>alert(1)</script>"
    text = page.render(result)
    assert "<script" not in text and "&lt;script&gt;" in text
    assert text.count("<svg") == 1
    # Names of XML vocabularies are no addresses that a browser asks.
    assert "src=" not in text and "<link" not in text and "@import" not in text


def test_chart_shows_the_ranked_and_is_the_same_each_time() -> None:
    [table] = tables(result_of({"gevent": [1000, 1100], "granian": [500]}))
    drawn = charts.svg(charts.rates(table, page.OURS))
    root = ElementTree.fromstring(drawn)
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"gevent", "granian", "requests a second"} <= set(texts)
    assert charts.svg(charts.rates(table, page.OURS)) == drawn


def test_a_run_that_was_cut_off_says_so() -> None:
    assert "cut off" in words.facts(result_of({"a": [1]}, is_complete=False))[-1]
    assert "cut off" not in words.facts(result_of({"a": [1]}))[-1]


def test_numbers() -> None:
    assert [words.number(each) for each in (None, 1234.5, 99.94, 1.234)] == ["-", "1,234", "99.9", "1.23"]
