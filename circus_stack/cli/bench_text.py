"""Results and comparisons of `circus-stack bench` as text for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from circus_stack.cli.bench_suite import suite
from circus_stack.cli.style import BOLD, DIM, GREEN, PLAIN, RED, YELLOW, Style
from circus_stack.cli.table import Column, render_table

if TYPE_CHECKING:
    from benchmarks.suite.compare import Difference
    from benchmarks.suite.result import Result

_COLOURS = {"met": GREEN, "missed": RED, "not measured": YELLOW}


def print_list() -> None:
    """The scenarios, then the contestants."""
    rows = [[each.name, each.help] for each in suite.scenario.SCENARIOS.values()]
    click.echo(render_table([Column("scenario"), Column("what is asked")], rows, PLAIN))
    known = suite.contestant.CONTESTANTS.values()
    rows = [[("* " if each.is_default else "  ") + each.name, each.help] for each in known]
    click.echo("\n" + render_table([Column("  contestant"), Column("what serves")], rows, PLAIN))


def print_result(result: Result, style: Style) -> None:
    """The facts, a table a scenario, memory, and the checks."""
    for line in suite.words.facts(result):
        click.echo(style.paint(line, DIM))
    for table in suite.summary.tables(result):
        click.echo("\n" + style.paint(table.scenario, BOLD))
        ranked = [suite.words.cells(row) for row in table.rows if row.rank]
        if ranked:
            click.echo(_grid(suite.words.HEADINGS, ranked, style))
        for line in suite.words.problems(table):
            click.echo(style.paint(line, RED))
    if result.kind == "start":
        for entrant in result.entrants:
            if entrant.failure is not None:
                click.echo(style.paint(f"{entrant.name}: {suite.summary.problem_of(entrant, [])}", RED))
    headings, rows = suite.markdown.memory(result)
    if rows:
        click.echo("\n" + _grid(headings, rows, style))
    judged = suite.checks.judge(result)
    if judged:
        click.echo()
    for each in judged:
        click.echo(style.paint(suite.words.verdict(each), _COLOURS[each.verdict]))


def print_differences(differences: Sequence[Difference], style: Style) -> None:
    """A row each, in the order of the scenarios."""
    number = suite.words.number
    rows = []
    for each in differences:
        reach = "-" if each.interval is None else f"{each.interval[0]:.2f} .. {each.interval[1]:.2f}"
        colour = RED if each.is_regression else GREEN if each.change != "same" else DIM
        word = style.paint(each.change, colour)
        rows.append(
            [each.scenario, each.contestant, number(each.old), number(each.new), number(each.ratio), reach, word]
        )
    columns = [Column("scenario"), Column("contestant"), *(Column(each, True) for each in ("old/s", "new/s", "ratio"))]
    click.echo(render_table([*columns, Column("95 % interval", True), Column("change")], rows, style))


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str]], style: Style) -> str:
    columns = [Column(each, is_number=at > 0) for at, each in enumerate(headings)]
    return render_table(columns, rows, style)
