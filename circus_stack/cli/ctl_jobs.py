"""What circusctl prints of the arbiter's jobs: a table. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from circus_stack.cli.style import GREEN, RED, YELLOW, Style
from circus_stack.cli.table import Column, render_table
from circus_stack.top.words import spaced_age

_COLUMNS = (
    Column("JOB"),
    Column("STATE"),
    Column("COMMAND"),
    Column("WATCHERS"),
    Column("ASKED"),
    Column("TOOK", is_number=True),
    Column("ERROR"),
)
_COLOURS = {"running": YELLOW, "queued": YELLOW, "done": GREEN, "failed": RED}


def render_jobs(jobs: Sequence[Mapping[str, Any]], style: Style) -> str:
    """One line a job, as the arbiter lists them; times are local."""
    if not jobs:
        return "no jobs"
    return render_table(_COLUMNS, [_row(each, style) for each in jobs], style, width=style.width)


def _row(job: Mapping[str, Any], style: Style) -> tuple[str, ...]:
    state = str(job.get("state", ""))
    return (
        str(job.get("id", "")),
        style.paint(state, *([_COLOURS[state]] if state in _COLOURS else [])),
        str(job.get("command", "")),
        ",".join(map(str, job.get("watchers") or ())),
        _moment(job.get("asked")),
        _duration(job.get("started"), job.get("ended")),
        str(job.get("error") or ""),
    )


def _moment(epoch_s: float | None) -> str:
    return "" if epoch_s is None else time.strftime("%H:%M:%S", time.localtime(epoch_s))


def _duration(started: float | None, ended: float | None) -> str:
    if started is None or ended is None:
        return ""
    seconds = ended - started
    return f"{seconds:.1f}s" if seconds < 60 else spaced_age(seconds)
