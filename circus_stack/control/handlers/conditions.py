"""What `status` tells of a watcher's condition beside its state: a line for people, and the same as fields."""

from __future__ import annotations

from typing import Any

from circus_stack.arbiter.condition import Condition
from circus_stack.arbiter.patient import HealthView
from circus_stack.control.desk import Desk
from circus_stack.states import WatcherState

Fields = dict[str, Any]

# Of what a watcher wrote last: enough for the end of a traceback.
_LINES = 8
_LONGEST = 500


def detail(desk: Desk, name: str) -> Fields:
    """`detail`, one line; nothing where there is nothing to tell."""
    text = desk.arbiter.condition(name).detail()
    return {"detail": text} if text else {}


def details(desk: Desk, names: list[str]) -> Fields:
    """`details` {name: line} of those of whom there is something to tell."""
    found = {name: text for name in names if (text := desk.arbiter.condition(name).detail())}
    return {"details": found} if found else {}


def condition(desk: Desk, name: str) -> Fields:
    """`detail`, `waits_for`, `degraded_by` {name: what}, `failures`, `retry_at` and `last_exit`; `health` where it is
    probed as a whole. Of a failed watcher `failed` {reason, since, lines}: the last lines that it wrote to stderr, or
    to stdout where there are none."""
    found = desk.arbiter.condition(name)
    fields: Fields = {
        "detail": found.detail(),
        "waits_for": dict(found.waits_for),
        "degraded_by": dict(found.degraded_by),
        "failures": found.failures,
        "retry_at": found.retry_at,
        "last_exit": _last_exit(found),
        "health": _health(found.health.get(None)),
        "failed": None,
    }
    if found.given_up is not None and desk.arbiter.status(name) is WatcherState.FAILED:
        reason, since = found.given_up.reason, found.given_up.time
        fields["failed"] = {"reason": reason, "since": since, "lines": _last_lines(desk, name)}
    return fields


def health_of(desk: Desk, name: str) -> dict[int, Fields | None]:
    """What the probes found of each process that is probed for itself, by pid."""
    found = desk.arbiter.condition(name).health
    return {pid: _health(view) for pid, view in found.items() if pid is not None}


def _health(view: HealthView | None) -> Fields | None:
    """`state` healthy, unhealthy or unknown; `failures` in a row; the last error with its time, which stays."""
    if view is None:
        return None
    state = "unknown" if view.is_healthy is None else "healthy" if view.is_healthy else "unhealthy"
    return {
        "state": state,
        "failures": view.failures,
        "error": view.error,
        "failed_at": view.failed_at,
        "checked_at": view.checked_at,
    }


def _last_exit(found: Condition) -> Fields | None:
    last = found.last_end
    if last is None:
        return None
    return {"pid": last.pid, "wid": last.wid, "exit_code": last.exit_code, "ended": last.ended, "time": last.time}


def _last_lines(desk: Desk, name: str) -> list[str]:
    lines = [line for _, line in desk.tail.snapshot(desk.arbiter.config(name).name)]
    errors = [line for line in lines if line.stream == "stderr"] or lines
    return [line.data[:_LONGEST].decode("utf-8", "replace") for line in errors[-_LINES:]]
