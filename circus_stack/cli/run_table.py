"""What `circus-stack status` tells of watchers that run to their end: the last run, and how it went. Text only."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from circus_stack.cli.style import GREEN, RED, YELLOW, Style
from circus_stack.cli.table import Column, render_table
from circus_stack.exits import describe_exit
from circus_stack.top.words import spaced_age

_COLUMNS = (
    Column("RUN"),
    Column("LAST RESULT"),
    Column("STARTED", is_number=True),
    Column("TOOK", is_number=True),
    Column("SCHEDULE"),
    Column("NEXT"),
)
_COLOURS = {"completed": GREEN, "failed": RED, "running": YELLOW, "unknown": YELLOW}


def shown_state(state: str, watcher: Mapping[str, Any]) -> str:
    """`waiting` where a watcher is down until its next run, `done` where its work is done: the wire's word for both is
    Circus's, `stopped`."""
    run, schedule = watcher.get("run") or {}, watcher.get("schedule") or {}
    if state == "stopped" and schedule.get("next_run") is not None:
        return "waiting"
    return "done" if state == "stopped" and run.get("result") == "completed" else state


def render_runs(watchers: Mapping[str, Mapping[str, Any]], now: float, style: Style) -> str:
    """A table of the last and the next runs; empty where nothing runs to its end. `now` is seconds since the epoch."""
    told = [name for name, watcher in watchers.items() if watcher.get("run") or watcher.get("schedule")]
    rows = [_row(name, watchers[name], now, style) for name in told]
    return render_table(_COLUMNS, rows, style) if rows else ""


def _row(name: str, watcher: Mapping[str, Any], now: float, style: Style) -> tuple[str, ...]:
    run, schedule = watcher.get("run") or {}, watcher.get("schedule") or {}
    result = str(run.get("result", ""))
    code = run.get("exit_code")
    text = f"{result}: {describe_exit(code)}" if result == "failed" and code is not None else result
    if run.get("unseen"):
        text += ": nobody saw how it ended" if result == "unknown" else ", again: nobody saw how it ended before"
    colour = _COLOURS.get(result)
    took = run.get("duration_s")
    return (
        name,
        style.paint(text, colour) if colour is not None else text,
        f"{spaced_age(now - run['started'])} ago" if run else "",
        "" if took is None else f"{took:.2f} s",
        " ".join(filter(None, (schedule.get("schedule"), schedule.get("timezone")))),
        _next(schedule.get("next_run"), now),
    )


def _next(at: float | None, now: float) -> str:
    if at is None:
        return ""
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
    return f"{moment} (in {spaced_age(max(0.0, at - now))})"
