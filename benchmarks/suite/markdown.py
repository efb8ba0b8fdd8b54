"""A result as Markdown: what docs and issues take. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from . import checks, words
from .ranking import ranking
from .result import Result
from .statistics import median
from .summary import tables


def render(result: Result) -> str:
    """The whole report."""
    parts = ["\n".join(f"- {line}" for line in words.facts(result))]
    for table in tables(result):
        ranked = [words.cells(row) for row in table.rows if row.rank]
        notes = [f"- {_escape(line)}" for line in words.problems(table)]
        parts.append(
            "\n\n".join([f"## {table.scenario}", grid(words.HEADINGS, ranked), *(["\n".join(notes)] if notes else [])])
        )
    parts.append("## Start and memory\n\n" + grid(*memory(result)))
    judged = checks.judge(result)
    if judged:
        parts.append("## Checks\n\n" + "\n".join(f"- {words.verdict(each)}" for each in judged))
    ranked_then = ranking(result)
    if ranked_then:
        rows = [(str(each.then), each.name, each.contestant, str(each.now or "-")) for each in ranked_then]
        parts.append("## The ranking of 2012\n\n" + grid(("then", "in 2012", "now", "place now"), rows))
    parts.append("## Versions and commands\n\n" + grid(*commands(result)))
    return "\n\n".join(parts) + "\n"


def memory(result: Result) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Headings and rows: start and memory of all that started; of a run of starts, medians."""
    if result.kind == "start":
        return _starts(result)
    rows = [
        (each.name, words.number(each.start_s), words.mebibytes(each.rss_bytes), words.mebibytes(each.pss_bytes))
        for each in result.entrants
        if each.start_s is not None
    ]
    return ("contestant", "start s", "RSS MiB", "PSS MiB"), list(rows)


def _starts(result: Result) -> tuple[Sequence[str], list[Sequence[str]]]:
    rows: list[Sequence[str]] = []
    for entrant in result.entrants:
        found = result.starts_of(entrant.name)
        if found:
            rss, pss = (int(median([getattr(each, name) for each in found])) for name in ("rss_bytes", "pss_bytes"))
            seconds = [words.number(median([each.first_s for each in found]))]
            seconds.append(words.number(median([each.settled_s for each in found])))
            each_s = words.mebibytes(pss // result.settings.workers)
            rows.append((entrant.name, *seconds, words.mebibytes(rss), words.mebibytes(pss), each_s))
    headings = ("contestant", "first answer s", "all up s", "RSS MiB", "PSS MiB", "PSS MiB/worker")
    return headings, rows


def commands(result: Result) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Headings and rows: what ran."""
    rows = [
        (
            each.name,
            ", ".join(f"{name} {version}" for name, version in each.versions.items()),
            " ".join(each.argv).strip(),
        )
        for each in result.entrants
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
