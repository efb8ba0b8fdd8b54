"""A result as Markdown and as a page."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.suite.figures import figure_table
from benchmarks.suite.quantity import QUANTITIES
from benchmarks.suite.report import charts, markdown, page, words
from benchmarks.suite.summary import tables
from tests.unit.benchmarks.results import figures_of, part_of, result_of


def test_markdown_has_a_table_a_scenario_and_the_problems() -> None:
    part = part_of({"gevent": [1000, 2000, 3000], "b|d": [500]})
    part.entrants[1].failure = "it | ended"
    text = markdown.render(result_of(part))
    assert "## Served\n" in text
    assert "### hello\n\n| contestant | requests/s |" in text
    assert "| gevent | 2,000 | 1,000 .. 3,000 | 1.00 | 1.00 | 2.00 | 3.00 | 4.00 |" in text
    assert "- b\\|d: failed: it \\| ended" in text
    assert "not measured: gevent at least 1.2 x gunicorn-gevent (hello)" in text


def test_page_needs_nothing_else_and_escapes() -> None:
    part = part_of({"gevent": [1000], "granian": [500]})
    part.entrants[1].failure = "<script>alert(1)</script>"
    text = page.render(result_of(part))
    assert "<script" not in text and "&lt;script&gt;" in text
    assert text.count("<svg") == 1
    # Names of XML vocabularies are no addresses that a browser asks.
    assert "src=" not in text and "<link" not in text and "@import" not in text


def test_chart_shows_the_ranked_and_is_the_same_each_time() -> None:
    [table] = tables(part_of({"gevent": [1000, 1100], "granian": [500]}))
    drawn = charts.svg(charts.rates(table, page.OURS), "a")
    root = ElementTree.fromstring(drawn)
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"gevent", "granian", "requests a second"} <= set(texts)
    assert charts.svg(charts.rates(table, page.OURS), "a") == drawn
    assert charts.svg(charts.rates(table, page.OURS), "b") != drawn


def test_a_run_that_was_cut_off_says_so() -> None:
    assert "cut off" in words.facts(result_of(part_of({"a": [1]}, is_complete=False)))[-1]
    assert "cut off" not in words.facts(result_of(part_of({"a": [1]})))[-1]


def test_numbers() -> None:
    assert [words.number(each) for each in (None, 1234.5, 99.94, 1.234)] == ["-", "1,234", "99.9", "1.23"]


def test_figures_have_a_table_a_chart_and_their_units() -> None:
    part = figures_of({"gevent": {"first-answer": [1.0, 3.0, 2.0], "rss": [8.0]}, "granian": {}})
    part.entrants[1].failure = "no such option"
    table = figure_table(part)
    assert words.figure_grid(table) == (
        ["contestant", "first answer s", "RSS MiB"],
        [["gevent", "2.00 (1.00 .. 3.00)", "8"]],
    )
    assert words.problems(table) == ["granian: failed: no such option"]
    text = markdown.render(result_of(part))
    assert "| gevent | 2.00 (1.00 .. 3.00) | 8 |" in text
    assert page.render(result_of(part)).count("<svg") == 1


def test_a_picture_has_names_of_its_own_on_a_page() -> None:
    parts = [part_of({"gevent": [1000]}), part_of({"gevent": [1000]})]
    text = page.render(result_of(*parts))
    ids = [each for each in text.split('"') if each.startswith("p") and len(each) == 11]
    assert text.count("<svg") == 2
    clips = [line for line in text.splitlines() if "<clipPath id=" in line]
    assert len(clips) == len(set(clips)), ids


def test_many_quantities_stand_below_each_other() -> None:
    part = figures_of({"a": {key: [1.0] for key in list(QUANTITIES)[:12]}, "b": {"first-answer": [2.0]}})
    headings, rows = words.figure_grid(figure_table(part))
    assert headings == ["", "a", "b"]
    assert len(rows) == 12 and rows[0] == ["first answer s", "1.00", "2.00"] and rows[1][2] == "-"
