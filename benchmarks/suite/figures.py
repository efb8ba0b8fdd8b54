"""The figures of a part as a table: a row an entrant, a column a quantity. Pure."""

from __future__ import annotations

from msgspec import Struct

from .quantity import QUANTITIES, Quantity
from .result import Part
from .statistics import Spread, spread
from .summary import problem_of


class FigureRow(Struct, frozen=True):
    """`cells`: one a column, None where it was not measured. `problem`: why there is nothing more, else empty."""

    entrant: str
    cells: list[Spread | None]
    problem: str


class FigureTable(Struct, frozen=True):
    """Columns in the order of QUANTITIES."""

    columns: list[Quantity]
    rows: list[FigureRow]


def figure_table(part: Part) -> FigureTable:
    """Those that failed before any figure have a problem and no cells."""
    whats = set(part.whats())
    columns = [each for each in QUANTITIES.values() if each.key in whats]
    rows = []
    for entrant in part.entrants:
        values = [part.values(entrant.name, each.key) for each in columns]
        cells = [spread(list(each.values())) if each else None for each in values]
        problem = problem_of(entrant, []) if entrant.failure is not None else ""
        if not problem and not any(values):
            problem = "not measured" if part.is_complete else "not measured: the run was cut off"
        rows.append(FigureRow(entrant.name, cells if any(values) else [], problem))
    return FigureTable(columns, rows)
