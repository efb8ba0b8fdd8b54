"""Results and comparisons of `circus-stack bench` as text for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from circus_stack.cli.bench.suite import suite
from circus_stack.cli.style import BOLD, DIM, GREEN, PLAIN, RED, YELLOW, Style
from circus_stack.cli.table import Column, render_table

if TYPE_CHECKING:
    from benchmarks.suite.compare import Difference, Order
    from benchmarks.suite.result import Part, Result

_COLOURS = {"met": GREEN, "missed": RED, "not measured": YELLOW}


def print_list() -> None:
    """The scenarios, then the contestants."""
    rows = [[("* " if each.is_default else "  ") + each.name, each.help] for each in suite.scenario.SCENARIOS.values()]
    click.echo(render_table([Column("  scenario"), Column("what is asked")], rows, PLAIN))
    known = suite.contestant.CONTESTANTS.values()
    rows = [[("* " if each.is_default else "  ") + each.name, each.help] for each in known]
    click.echo("\n" + render_table([Column("  contestant"), Column("what serves")], rows, PLAIN))
    rows = [[f"* {each.name}", each.help] for each in suite.managers.catalogue.MANAGERS.values()]
    click.echo("\n" + render_table([Column("  manager"), Column("what keeps processes")], rows, PLAIN))


def print_result(result: Result, style: Style) -> None:
    """The facts, the parts, then what was asked: the answers and the promises stand last, where a terminal ends."""
    for line in suite.report.words.facts(result):
        click.echo(style.paint(line, DIM))
    for part in result.parts:
        click.echo("\n" + style.paint(part.title, BOLD))
        for line in suite.report.words.part_facts(part):
            click.echo(style.paint(line, DIM))
        _print_part(part, style)
    judged = suite.checks.judge(result, suite.promises.PROMISES)
    if judged:
        click.echo()
    for each in judged:
        click.echo(style.paint(suite.report.words.verdict(each), _COLOURS[each.verdict]))
    found = suite.report.answers.answers(result)
    if found:
        click.echo()
    for answer in found:
        click.echo(f"{style.paint(answer.question, BOLD)} {answer.text}")


def _print_part(part: Part, style: Style) -> None:
    for table in suite.summary.tables(part):
        click.echo("\n" + style.paint(table.scenario, BOLD))
        ranked = [suite.report.words.cells(row) for row in table.rows if row.rank]
        if ranked:
            click.echo(_grid(suite.report.words.HEADINGS, ranked, style))
        for line in suite.report.words.problems(table):
            click.echo(style.paint(line, RED))
    if part.kind == suite.summary.STEPS:
        headings, steps = suite.report.words.steps_grid(part)
        if steps:
            click.echo("\n" + _grid(headings, steps, style))
        for line in suite.report.words.failures(part):
            click.echo(style.paint(line, RED))
    elif part.figures or part.kind != "serve":
        figures = suite.figures.figure_table(part)
        names, rows = suite.report.words.figure_grid(figures)
        if rows:
            click.echo("\n" + _grid(names, rows, style))
        for line in suite.report.words.problems(figures):
            click.echo(style.paint(line, RED))
    weighed, lines = suite.report.markdown.memory(part)
    if lines:
        click.echo("\n" + _grid(weighed, lines, style))


def print_differences(differences: Sequence[Difference], style: Style) -> None:
    """A row each, in the order of the parts."""
    number = suite.report.words.number
    rows = []
    for each in differences:
        reach = "-" if each.interval is None else f"{each.interval[0]:.2f} .. {each.interval[1]:.2f}"
        colour = RED if each.is_regression else GREEN if each.change != "same" else DIM
        word = style.paint(each.change, colour)
        figures = [number(each.old), number(each.new), number(each.ratio)]
        rows.append([f"{each.what} {each.unit}".strip(), each.entrant, *figures, reach, word])
    columns = [Column("measured"), Column("contestant"), *(Column(each, True) for each in ("old", "new", "ratio"))]
    click.echo(render_table([*columns, Column("95 % interval", True), Column("change")], rows, style))


def print_order(order: Order, style: Style) -> None:
    """Whether two runs agree who is faster."""
    if not order.alike and not order.reversed:
        return
    apart = f"{100 * (suite.compare.APART - 1):.0f} %"
    text = f"pairs of contestants that are more than {apart} apart in either run: {order.alike} in the same order"
    click.echo(f"\n{text}, {len(order.reversed)} reversed")
    for scenario, then, now in order.reversed:
        click.echo(style.paint(f"  {scenario}: {then} was faster, {now} is", YELLOW))


def _grid(headings: Sequence[str], rows: Sequence[Sequence[str]], style: Style) -> str:
    columns = [Column(each, is_number=at > 0) for at, each in enumerate(headings)]
    return render_table(columns, rows, style)
