"""What `circus-stack status` tells of watchers that run to their end: the last run, and how it went. Text only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from circus_stack.cli.ctl_stats import format_age
from circus_stack.cli.style import GREEN, RED, YELLOW, Style
from circus_stack.cli.table import Column, render_table
from circus_stack.exits import describe_exit

_COLUMNS = (Column("RUN"), Column("RESULT"), Column("STARTED", is_number=True), Column("TOOK", is_number=True))
_COLOURS = {"completed": GREEN, "failed": RED, "running": YELLOW}


def shown_state(state: str, watcher: Mapping[str, Any]) -> str:
    """`done` where a watcher is stopped because its work is done: the wire's word for that is Circus's."""
    run = watcher.get("run") or {}
    return "done" if state == "stopped" and run.get("result") == "completed" else state


def render_runs(watchers: Mapping[str, Mapping[str, Any]], now: float, style: Style) -> str:
    """A table of the last runs; empty where there was none. `now` is seconds since the epoch."""
    rows = [_row(name, watcher["run"], now, style) for name, watcher in watchers.items() if watcher.get("run")]
    return render_table(_COLUMNS, rows, style) if rows else ""


def _row(name: str, run: Mapping[str, Any], now: float, style: Style) -> tuple[str, ...]:
    result = str(run["result"])
    code = run.get("exit_code")
    text = f"{result}: {describe_exit(code)}" if result == "failed" and code is not None else result
    colour = _COLOURS.get(result)
    took = run.get("duration_s")
    return (
        name,
        style.paint(text, colour) if colour is not None else text,
        f"{format_age(now - run['started'])} ago",
        "" if took is None else f"{took:.2f} s",
    )
