"""`/logs`, `/figures` and `/history`: what processes write, use and serve."""

from __future__ import annotations

import time
from typing import Annotated, Any

from msgspec import Meta, Struct

from circus_stack.client.stats.records import History, Snapshot
from circus_stack.literals import parse_span
from circus_stack.protocol.commands import DEFAULT_LINES, MAX_LINES
from circus_stack.web.access.refusal import RefusedError
from circus_stack.web.api.asking import role_of
from circus_stack.web.api.route import Reply, Request, Route
from circus_stack.web.api.section import Section
from circus_stack.web.stack.stack import Stack

_SECTION = Section("observing")
_OF_STATS = Section("observing", {503: "circusd-stats does not run"})
# A week is remembered.
_MOST_S = 7 * 86_400.0


class LogQuery(Struct, forbid_unknown_fields=True):
    """Of one watcher, process or stream, or of all. `format` is json, or text to be kept as a file."""

    watcher: str | None = None
    pid: Annotated[int, Meta(gt=0)] | None = None
    stream: str | None = None
    lines: Annotated[int, Meta(ge=1, le=MAX_LINES)] = DEFAULT_LINES
    format: str = "json"


class HistoryQuery(Struct, forbid_unknown_fields=True):
    """`watcher` is left out for the stack; `since` is a span: 90s, 10m, 6h, 7d."""

    watcher: str = ""
    pid: Annotated[int, Meta(gt=0)] | None = None
    since: str = "15m"


class LogLine(Struct, frozen=True, kw_only=True):
    """One line that a process wrote; `time` is seconds since the epoch."""

    seq: int
    watcher: str
    wid: int
    pid: int
    stream: str
    time: float
    data: str


class ObservingResource:
    """The routes."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def routes(self) -> tuple[Route, ...]:
        """Their declarations."""
        return (
            _SECTION.shows(
                "/logs",
                "The last lines that processes wrote, oldest first.",
                self._logs,
                list[LogLine],
                query=LogQuery,
                statuses={404: "there is no such watcher"},
            ),
            _OF_STATS.shows(
                "/figures",
                "The newest figures of the stack, its watchers, processes and sockets.",
                self._figures,
                Snapshot,
            ),
            _OF_STATS.shows(
                "/history",
                "Figures of the stack, a watcher or a process over time.",
                self._history,
                History,
                query=HistoryQuery,
            ),
        )

    def _logs(self, request: Request) -> Reply:
        asked: LogQuery = request.query
        if asked.stream not in (None, "stdout", "stderr"):
            raise RefusedError(400, f"{asked.stream[:50]!r} is no stream: stdout or stderr", option="stream")
        if asked.format not in ("json", "text"):
            raise RefusedError(400, f"{asked.format[:50]!r} is no format: json or text", option="format")
        properties: dict[str, Any] = {"limit": asked.lines}
        properties |= {} if asked.watcher is None else {"name": asked.watcher}
        properties |= {} if asked.pid is None else {"pid": asked.pid}
        properties |= {} if asked.stream is None else {"stream": asked.stream}
        lines = self._stack.call(role_of(request), "logs", **properties)["lines"]
        return Reply(fields=lines) if asked.format == "json" else _as_file(lines)

    def _figures(self, _request: Request) -> Reply:
        return Reply(fields=self._stack.snapshot())

    def _history(self, request: Request) -> Reply:
        asked: HistoryQuery = request.query
        try:
            since_s = parse_span(asked.since)
        except ValueError:
            raise RefusedError(400, f"{asked.since[:50]!r} is no span: 90s, 10m, 6h, 7d", option="since") from None
        return Reply(fields=self._stack.history(asked.watcher, asked.pid, min(since_s, _MOST_S)))


def _as_file(lines: list[dict[str, Any]]) -> Reply:
    text = "".join(f"{_stamp(each['time'])} {each['watcher']}.{each['wid']} {each['data']}\n" for each in lines)
    return Reply(
        text=text.encode("utf-8", "replace"),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="circus-stack.log"'},
    )


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03d}Z"
