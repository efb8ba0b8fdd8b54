"""A result as one HTML page that needs nothing else: style and charts stand in it. Pure but for the drawing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from . import charts, checks, markdown, words
from .contestant import CONTESTANTS
from .result import Result
from .summary import Table, tables

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
th:first-child, td:first-child, .text td, .text th { text-align: left; }
svg { max-width: 100%; height: auto; background: #fff; }
.missed, .problem { color: #b00020; } .met { color: #187a2f; } code { font-size: 13px; }
@media (prefers-color-scheme: dark) { .missed, .problem { color: #ff8a80; } .met { color: #81c784; } }
"""
OURS = frozenset(each.name for each in CONTESTANTS.values() if not each.requirements)


def render(result: Result) -> str:
    """The page. ImportError where matplotlib is not installed."""
    body = [f"<h1>circus-stack bench: {escape(result.kind)}</h1>", _list(words.facts(result))]
    body += [_scenario(each) for each in tables(result)]
    body += ["<h2>Start and memory</h2>", _table(*markdown.memory(result))]
    judged = checks.judge(result)
    if judged:
        lines = [f'<li class="{each.verdict.split()[0]}">{escape(words.verdict(each))}</li>' for each in judged]
        body.append(f"<h2>Checks</h2><ul>{''.join(lines)}</ul>")
    body += ["<h2>Versions and commands</h2>", _table(*markdown.commands(result), kind="text")]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>circus-stack bench</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n" + "\n".join(body) + "\n</body></html>\n"
    )


def _scenario(table: Table) -> str:
    ranked = [row for row in table.rows if row.rank]
    parts = [f"<h2>{escape(table.scenario)}</h2>"]
    if ranked:
        parts.append(charts.svg(charts.rates(table, OURS)))
        parts.append(_table(words.HEADINGS, [words.cells(row) for row in ranked]))
    problems = words.problems(table)
    return "\n".join([*parts, _list(problems, "problem") if problems else ""])


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "figures") -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in headings)
    lines = ["".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows]
    return f'<table class="{kind}"><tr>{head}</tr>' + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _list(lines: Sequence[str], kind: str = "facts") -> str:
    return f'<ul class="{kind}">' + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"
