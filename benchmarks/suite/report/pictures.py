"""A result as pictures, one a chart of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ..figures import figure_table
from ..result import Part, Result
from ..summary import STEPS, tables
from . import charts
from .page import OURS


def draw(result: Result, directory: Path) -> Iterator[Path]:
    """Write them into `directory`, and tell of each. ImportError without matplotlib, OSError where a file can't be
    written."""
    directory.mkdir(parents=True, exist_ok=True)
    for part in result.parts:
        prefix = f"{_word(part.title)}-" if len(result.parts) > 1 else ""
        for table in tables(part):
            if any(row.rank for row in table.rows):
                path = directory / f"{prefix}{table.scenario}.png"
                charts.png(charts.rates(table, OURS), path)
                yield path
        if part.kind == STEPS and part.rounds:
            path = directory / f"{prefix}{part.kind}.png"
            charts.png(charts.climbs(part, OURS), path)
            yield path
        yield from _of_figures(part, directory / f"{prefix}{part.kind}.png")


def _of_figures(part: Part, path: Path) -> Iterator[Path]:
    if part.figures:
        charts.png(charts.figures(figure_table(part), OURS), path)
        yield path


def _word(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
