"""Charts of a result, drawn by matplotlib, which the extra `bench` brings. Imported only where a report is written."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..breaking import MOST_P99_MS, steps_of
from ..figures import FigureTable
from ..result import Part
from ..summary import Row, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OURS = "#1f77b4"
_THEIRS = "#9a9a9a"
_WIDTH_IN = 8.0
_ACROSS = 3


def rates(table: Table, ours: frozenset[str]) -> Figure:
    """Bars, fastest first, with the least and the most of the rounds; ours stand out.

    ImportError without matplotlib.
    """
    from matplotlib.figure import Figure

    rows: Sequence[Row] = [row for row in table.rows if row.rank and row.rate]
    figure = Figure(figsize=(_WIDTH_IN, 1.0 + 0.32 * len(rows)), layout="constrained")
    axes = figure.subplots()
    names = [row.entrant for row in rows]
    middles = [row.rate.median for row in rows if row.rate]
    reach = [
        [row.rate.median - row.rate.least for row in rows if row.rate],
        [row.rate.most - row.rate.median for row in rows if row.rate],
    ]
    colours = [_OURS if _is_of(name, ours) else _THEIRS for name in names]
    axes.barh(names, middles, xerr=reach, color=colours, ecolor="#333333", capsize=3)
    axes.invert_yaxis()
    axes.set_xlabel("requests a second")
    axes.set_title(table.scenario)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def figures(table: FigureTable, ours: frozenset[str]) -> Figure:
    """A small chart a quantity, all entrants in each; ours stand out. ImportError without matplotlib."""
    from matplotlib.figure import Figure

    rows = [row for row in table.rows if row.cells]
    across = min(_ACROSS, len(table.columns))
    down = -(-len(table.columns) // across)
    figure = Figure(figsize=(_WIDTH_IN, down * (0.8 + 0.24 * len(rows))), layout="constrained")
    axes = figure.subplots(down, across, squeeze=False).ravel()
    for at, (axis, quantity) in enumerate(zip(axes, table.columns, strict=False)):
        found = [(row.entrant, row.cells[at]) for row in rows]
        values = [cell.median if cell else 0.0 for _, cell in found]
        names = [name for name, _ in found]
        axis.barh(names, values, color=[_OURS if _is_of(name, ours) else _THEIRS for name in names])
        axis.invert_yaxis()
        axis.set_title(f"{quantity.heading} {quantity.unit}".strip(), fontsize=9)
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
        if at % across:
            axis.set_yticklabels([])
    for axis in axes[len(table.columns) :]:
        axis.set_visible(False)
    return figure


def climbs(part: Part, ours: frozenset[str]) -> Figure:
    """A line an entrant: what 99 of 100 waited at most, over how many asked. ImportError without matplotlib."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_IN, 4.0), layout="constrained")
    axes = figure.subplots()
    for entrant in part.entrants:
        rounds = [each.round for each in steps_of(part, entrant.name) if each.round.p99_ms is not None]
        style = "-" if _is_of(entrant.name, ours) else "--"
        users, waits = [each.users for each in rounds], [each.p99_ms for each in rounds]
        axes.plot(users, waits, f"o{style}", label=entrant.name)
    axes.axhline(MOST_P99_MS, color="#b00020", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_xlabel("users who each ask once a second")
    axes.set_ylabel("p99 in ms")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def _is_of(name: str, ours: frozenset[str]) -> bool:
    """An entrant's name may end with its workers, and a manager of ours has the project's name."""
    return name.partition(" x")[0] in ours or name.startswith("circus-stack")


def svg(figure: Figure, salt: str) -> str:
    """The element, without a declaration, the same for the same figure. `salt`: keeps its names from those of another
    one on the same page."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": f"circus-stack {salt}", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def png(figure: Figure, path: Path) -> None:
    """Write it. OSError where that fails."""
    figure.savefig(path, format="png", dpi=120)
