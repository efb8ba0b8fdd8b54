"""A result as one HTML page that needs nothing else: style and charts stand in it. Pure but for the drawing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..checks import Judged, judge
from ..contestant import CONTESTANTS
from ..figures import figure_table
from ..promises import PROMISES
from ..ranking import ranking
from ..result import Part, Result
from ..summary import STEPS, Table, tables
from . import charts, markdown, words
from .answers import answers

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
th:first-child, td:first-child, .text td, .text th { text-align: left; }
h2 { margin-top: 2.5rem; border-top: 1px solid #8886; padding-top: 1rem; } nav a { margin-right: 1rem; }
dt { font-weight: 600; } dd { margin: 0 0 .6rem 0; } .facts, .help { opacity: .8; font-size: 13px; }
svg { max-width: 100%; height: auto; background: #fff; }
.missed, .problem { color: #b00020; } .met { color: #187a2f; } code { font-size: 13px; }
@media (prefers-color-scheme: dark) { .missed, .problem { color: #ff8a80; } .met { color: #81c784; } }
"""
OURS = frozenset(each.name for each in CONTESTANTS.values() if not each.requirements)


def render(result: Result) -> str:
    """The page. ImportError where matplotlib is not installed."""
    kinds = ", ".join(dict.fromkeys(each.kind for each in result.parts))
    body = [f"<h1>circus-stack bench: {escape(kinds)}</h1>", _list(words.facts(result)), _contents(result)]
    found = answers(result)
    if found:
        lines = [f"<dt>{escape(each.question)}</dt><dd>{escape(each.text)}</dd>" for each in found]
        body.append(f'<h2 id="short">In short</h2><dl>{"".join(lines)}</dl>')
    judged = judge(result, PROMISES)
    if judged:
        body.append(f'<h2 id="promises">Promises</h2><ul>{"".join(map(_verdict, judged))}</ul>')
    body += [_part(number, each) for number, each in enumerate(result.parts)]
    body += ['<h2 id="commands">Versions and commands</h2>', _table(*markdown.commands(result), kind="text")]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>circus-stack bench</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _contents(result: Result) -> str:
    links = [f'<a href="#part{number}">{escape(each.title)}</a>' for number, each in enumerate(result.parts)]
    return f"<nav>{''.join(links)}</nav>" if len(links) > 1 else ""


def _verdict(judged: Judged) -> str:
    return f'<li class="{judged.verdict.split()[0]}">{escape(words.verdict(judged))}</li>'


def _part(number: int, part: Part) -> str:
    body = [f'<h2 id="part{number}">{escape(part.title)}</h2>', _list(words.part_facts(part))]
    body += [_scenario(each, f"part{number}-{each.scenario}") for each in tables(part)]
    if part.kind == STEPS:
        body += _steps(part)
    then = ranking(part)
    if then:
        rows = [(str(each.then), each.name, each.contestant, str(each.now or "-")) for each in then]
        body += ["<h3>The ranking that Circus published in 2012, and today's</h3>"]
        body += [_table(("then", "in 2012", "now", "place now"), rows)]
    if part.figures or part.kind not in ("serve", STEPS):
        body += _figures(part)
    headings, rows_of_memory = markdown.memory(part)
    if rows_of_memory:
        body += ["<h3>Start and memory</h3>", _table(headings, rows_of_memory)]
    return "\n".join(body)


def _steps(part: Part) -> list[str]:
    headings, rows = words.steps_grid(part)
    body = [charts.svg(charts.climbs(part, OURS), f"steps-{part.title}"), _table(headings, rows)] if rows else []
    problems = words.failures(part)
    return [*body, _list(problems, "problem")] if problems else body


def _figures(part: Part) -> list[str]:
    table = figure_table(part)
    headings, rows = words.figure_grid(table)
    body = [charts.svg(charts.figures(table, OURS), f"{part.kind}-{part.title}")] if rows else []
    if rows:
        body.append(_table(headings, rows))
        body.append(_list([f"{each.heading}: {each.help}" for each in table.columns], "help"))
    problems = words.problems(table)
    return [*body, _list(problems, "problem")] if problems else body


def _scenario(table: Table, salt: str) -> str:
    ranked = [row for row in table.rows if row.rank]
    parts = [f"<h3>{escape(table.scenario)}</h3>"]
    if ranked:
        parts.append(charts.svg(charts.rates(table, OURS), salt))
        parts.append(_table(words.HEADINGS, [words.cells(row) for row in ranked]))
    problems = words.problems(table)
    return "\n".join([*parts, _list(problems, "problem") if problems else ""])


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "figures") -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in headings)
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    return f'<table class="{kind}"><tr>{head}</tr>' + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _list(lines: Sequence[str], kind: str = "facts") -> str:
    return f'<ul class="{kind}">' + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"
