"""Charts of a result, drawn by matplotlib, which the extra `bench` brings. Imported only where a report is written."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .summary import Row, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OURS = "#1f77b4"
_THEIRS = "#9a9a9a"
_WIDTH_IN = 8.0


def rates(table: Table, ours: frozenset[str]) -> Figure:
    """Bars, fastest first, with the least and the most of the rounds; ours stand out.

    ImportError without matplotlib.
    """
    from matplotlib.figure import Figure

    rows: Sequence[Row] = [row for row in table.rows if row.rank and row.rate]
    figure = Figure(figsize=(_WIDTH_IN, 1.0 + 0.32 * len(rows)), layout="constrained")
    axes = figure.subplots()
    names = [row.contestant for row in rows]
    middles = [row.rate.median for row in rows if row.rate]
    reach = [
        [row.rate.median - row.rate.least for row in rows if row.rate],
        [row.rate.most - row.rate.median for row in rows if row.rate],
    ]
    colours = [_OURS if name in ours else _THEIRS for name in names]
    axes.barh(names, middles, xerr=reach, color=colours, ecolor="#333333", capsize=3)
    axes.invert_yaxis()
    axes.set_xlabel("requests a second")
    axes.set_title(table.scenario)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def svg(figure: Figure) -> str:
    """The element, without a declaration, the same for the same figure."""
    import matplotlib

    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "circus-stack", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]


def png(figure: Figure, path: Path) -> None:
    """Write it. OSError where that fails."""
    figure.savefig(path, format="png", dpi=120)
