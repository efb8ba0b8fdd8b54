"""What circusctl prints of a history: for a person a short table with a picture, for a program all of it. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from itertools import pairwise

from circus_stack.cli.style import DIM, Style
from circus_stack.cli.table import Column, render_table
from circus_stack.client.stats.records import History
from circus_stack.top import words
from circus_stack.top.graph import sparkline, squeezed

Values = Sequence[float | None]

# Rows that a person looks at; a program gets every point.
_ROWS = 20
_PICTURE = 24
_STACK = "(all)"
_EXACT = 100_000.0

# (column of the history, its title, how a person reads it)
_FIGURES: tuple[tuple[str, str, Callable[[float | None], str]], ...] = (
    ("cpu", "CPU%", words.percent),
    ("rss", "RSS", words.size),
    ("rps", "RPS", words.rate),
    ("p99", "P99", words.latency),
    ("busy", "BUSY", words.rate),
)


def render_histories(histories: Sequence[History], style: Style) -> str:
    """A line for each watcher, the stack's last: means over the time, and the highest CPU, memory and latency."""
    found = sorted(histories, key=lambda each: (not each.watcher, each.watcher))
    if not any(each.times for each in found):
        return "nothing is remembered of that time"
    titles = ("WATCHER", "CPU%", "MOST", "RSS", "MOST", "RPS", "MOST", "P99", "MOST", "BUSY", "MOST")
    columns = [Column(title, is_number=title != "WATCHER") for title in titles]
    rows = [[each.watcher or _STACK, *_summary(each, style)] for each in found]
    if style.is_terminal:
        columns.append(Column("CPU"))
        rows = [[*row, _picture(each, style)] for row, each in zip(rows, found, strict=True)]
    return render_table(columns, rows, style, width=style.width)


def _summary(history: History, style: Style) -> list[str]:
    cells = []
    for name, _, text in _FIGURES:
        known = [value for value in history.columns.get(name, ()) if value is not None]
        mean, most = (sum(known) / len(known), max(known)) if known else (None, None)
        cells += [text(mean), text(most)] if style.is_terminal else [_plain(mean), _plain(most)]
    return cells


def _picture(history: History, style: Style) -> str:
    values = squeezed(history.columns.get("cpu", ()), _PICTURE)
    return sparkline(values, min(_PICTURE, len(values)), is_plain=not style.has_symbols)


def render_history(history: History, style: Style) -> str:
    """One watcher as time went by: a line for each stretch of time; a program gets each point, times as seconds since
    the epoch, bytes and seconds."""
    if not history.times:
        return "nothing is remembered of that time"
    columns = [Column("TIME"), Column("PROCESSES", is_number=True)]
    columns += [Column(title, is_number=True) for _, title, _ in _FIGURES]
    if not style.is_terminal:
        return render_table(columns, [_point(history, at) for at in range(len(history.times))], style)
    length = len(history.times)
    stretches = min(_ROWS, length)
    edges = [round(index * length / stretches) for index in range(stretches + 1)]
    rows = [_stretch(history, first, last) for first, last in pairwise(edges)]
    table = render_table(columns, rows, style, width=style.width)
    return f"{style.paint(_title(history), DIM)}\n{table}"


def _title(history: History) -> str:
    span = words.spaced_age(history.times[-1] - history.times[0] + history.step)
    who = history.watcher or _STACK if history.pid is None else f"{history.watcher} {history.pid}"
    return f"{who}: the last {span}; each line is the mean until the next one"


def _point(history: History, at: int) -> list[str]:
    figures = [_plain(_column(history, name)[at]) for name in ("processes", *(name for name, _, _ in _FIGURES))]
    return [str(history.times[at]), *figures]


def _stretch(history: History, first: int, last: int) -> list[str]:
    processes = _mean(_column(history, "processes")[first:last])
    figures = [text(_mean(_column(history, name)[first:last])) for name, _, text in _FIGURES]
    moment = time.localtime(history.times[first])
    is_long = history.times[-1] - history.times[0] >= 86_400
    return [
        time.strftime("%d %H:%M" if is_long else "%H:%M:%S", moment),
        "" if processes is None else f"{processes:.4g}",
        *figures,
    ]


def _column(history: History, name: str) -> Values:
    return history.columns.get(name) or (None,) * len(history.times)


def _mean(values: Values) -> float | None:
    known = [each for each in values if each is not None]
    return sum(known) / len(known) if known else None


def _plain(value: float | None) -> str:
    """A number for a program, `-` for what nobody knows: so that columns can be counted."""
    if value is None:
        return "-"
    # The file keeps some seven digits.
    return f"{value:.0f}" if value >= _EXACT else f"{value:.6g}"
