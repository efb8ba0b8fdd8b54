"""A result as Markdown: what docs and issues take. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..checks import judge
from ..figures import figure_table
from ..promises import PROMISES
from ..ranking import ranking
from ..result import Part, Result
from ..summary import STEPS, tables
from . import words
from .answers import answers


def render(result: Result) -> str:
    """The whole report."""
    parts = ["# What was measured\n\nWritten by `circus-stack bench report` from the result of a run."]
    parts.append("\n".join(f"- {_escape(line)}" for line in words.facts(result)))
    found = answers(result)
    if found:
        parts.append("## In short\n\n" + "\n".join(f"- **{each.question}** {_escape(each.text)}" for each in found))
    judged = judge(result, PROMISES)
    if judged:
        parts.append("## Promises\n\n" + "\n".join(f"- {_escape(words.verdict(each))}" for each in judged))
    for part in result.parts:
        parts.append(f"## {part.title}\n\n" + "\n".join(f"- {_escape(line)}" for line in words.part_facts(part)))
        parts.extend(_body(part))
    parts.append("## Versions and commands\n\n" + grid(*commands(result)))
    return "\n\n".join(parts) + "\n"


def _body(part: Part) -> Iterator[str]:
    for table in tables(part):
        ranked = [words.cells(row) for row in table.rows if row.rank]
        yield f"### {table.scenario}"
        if ranked:
            yield grid(words.HEADINGS, ranked)
        yield from _notes(words.problems(table))
    if part.kind == STEPS:
        headings, lines = words.steps_grid(part)
        if lines:
            yield grid(headings, lines)
        yield from _notes(words.failures(part))
    ranked_then = ranking(part)
    if ranked_then:
        rows = [(str(each.then), each.name, each.contestant, str(each.now or "-")) for each in ranked_then]
        yield "### The ranking that Circus published in 2012, and today's"
        yield grid(("then", "in 2012", "now", "place now"), rows)
    if part.figures or part.kind not in ("serve", STEPS):
        figures = figure_table(part)
        names, cells = words.figure_grid(figures)
        if cells:
            yield grid(names, cells)
            yield "\n".join(f"- {each.heading}: {each.help}" for each in figures.columns)
        yield from _notes(words.problems(figures))
    weighed, weights = memory(part)
    if weights:
        yield "### Start and memory"
        yield grid(weighed, weights)


def _notes(lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield "\n".join(f"- {_escape(line)}" for line in lines)


def memory(part: Part) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Headings and rows: start and memory of all that ran under load; no rows for a kind that measures them itself."""
    rows = [
        (each.name, words.number(each.start_s), words.mebibytes(each.rss_bytes), words.mebibytes(each.pss_bytes))
        for each in part.entrants
        if each.start_s is not None and each.rss_bytes is not None
    ]
    return ("contestant", "start s", "RSS MiB", "PSS MiB"), list(rows)


def commands(result: Result) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Headings and rows: what ran; each contestant once, as in the first part that it was in."""
    found = {each.name: each for part in reversed(result.parts) for each in reversed(part.entrants) if each.argv}
    names = dict.fromkeys(each.name for part in result.parts for each in part.entrants)
    rows = [
        (
            name,
            ", ".join(f"{of} {version}" for of, version in found[name].versions.items()),
            " ".join(found[name].argv).strip(),
        )
        for name in names
        if name in found
    ]
    return ("contestant", "versions", "command"), list(rows)


def grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; all but the first column to the right where they are numbers."""
    lines = [
        f"| {' | '.join(headings)} |",
        f"|{'|'.join(' --- ' if not at else ' --: ' for at in range(len(headings)))}|",
    ]
    return "\n".join([*lines, *(f"| {' | '.join(map(_escape, row))} |" for row in rows)])


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
