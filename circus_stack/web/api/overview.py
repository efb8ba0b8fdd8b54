"""`/stack`, `/nodes`, `/sockets` and `/jobs`: the stack as a whole."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from circus_stack.client.stats.records import SocketStats
from circus_stack.errors import CallError
from circus_stack.web.api.asking import role_of
from circus_stack.web.api.route import Reply, Request, Route
from circus_stack.web.api.section import Section
from circus_stack.web.stack.stack import Stack

_SECTION = Section("stack")


class StackSummary(Struct, frozen=True, kw_only=True):
    """`state` is `up` where every watcher that runs is well, else `degraded`; `seq` the number of the newest event.
    `pid` is the arbiter's and `uptime` in seconds; null where an older one does not tell."""

    name: str | None
    version: str
    pid: int | None
    uptime: float | None
    endpoint: str
    state: str
    watchers: int
    processes: int
    seq: int
    has_statistics: bool


class Node(Struct, frozen=True, kw_only=True):
    """A machine whose stack this console shows."""

    name: str
    endpoint: str
    state: str


class ListeningSocket(Struct, frozen=True, kw_only=True):
    """`queued` of at most `limit` connections wait to be accepted, `dropped` were turned away; null where nobody
    counts. `watchers` are those whose processes get it."""

    name: str
    fd: int
    address: str
    backlog: int
    watchers: tuple[str, ...]
    queued: int | None = None
    limit: int | None = None
    dropped: int | None = None
    accepted_per_s: float | None = None


class Job(Struct, frozen=True, kw_only=True):
    """An operation: `state` is queued, running, done or failed; times are seconds since the epoch."""

    id: str
    command: str
    watchers: tuple[str, ...]
    state: str
    asked: float
    started: float | None
    ended: float | None
    error: str | None


class OverviewResource:
    """The routes of the whole."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def routes(self) -> tuple[Route, ...]:
        """Their declarations."""
        return (
            _SECTION.shows("/stack", "The stack.", self._show, StackSummary),
            _SECTION.shows("/nodes", "The machines.", self._nodes, list[Node]),
            _SECTION.shows(
                "/sockets", "The listening sockets, with their queues.", self._sockets, list[ListeningSocket]
            ),
            _SECTION.shows("/jobs", "What was asked for lately, and what became of it.", self._jobs, list[Job]),
        )

    def _show(self, request: Request) -> Reply:
        role = role_of(request)
        status = self._stack.call(role, "status", extended=True)
        told = self._stack.call(role, "globaloptions")
        options, states, watchers = told["options"], status["statuses"], status["watchers"]
        started_at = options.get("started_at")
        return Reply(
            fields=StackSummary(
                name=options.get("name"),
                pid=options.get("pid"),
                uptime=None if started_at is None else told["time"] - started_at,
                version=str(self._stack.call(role, "version")["version"]),
                endpoint=self._stack.endpoint,
                state=_state(states, watchers),
                watchers=len(states),
                processes=sum(len(each["processes"]) for each in watchers.values()),
                seq=int(status["seq"]),
                has_statistics=bool(options.get("stats_query_endpoint")),
            )
        )

    def _nodes(self, request: Request) -> Reply:
        status = self._stack.call(role_of(request), "status", extended=True)
        options = self._stack.call(role_of(request), "globaloptions")["options"]
        state = _state(status["statuses"], status["watchers"])
        return Reply(fields=[Node(name=str(options["fqdn"]), endpoint=self._stack.endpoint, state=state)])

    def _sockets(self, request: Request) -> Reply:
        found = self._stack.call(role_of(request), "listsockets")["sockets"]
        queues = self._queues()
        return Reply(fields=[_socket(each, queues.get(each["fd"])) for each in found])

    def _queues(self) -> dict[int | None, SocketStats]:
        try:
            return {each.fd: each for each in self._stack.snapshot().sockets}
        except CallError:
            # The sockets are there, whoever counts.
            return {}

    def _jobs(self, request: Request) -> Reply:
        return Reply(fields=self._stack.call(role_of(request), "jobs")["jobs"])


def _state(states: dict[str, str], watchers: dict[str, Any]) -> str:
    is_well = all(
        state != "failed" and not watchers[name]["degraded_by"] and not watchers[name]["failures"]
        for name, state in states.items()
    )
    return "up" if is_well else "degraded"


def _socket(each: dict[str, Any], queue: SocketStats | None) -> ListeningSocket:
    host = str(each.get("host", ""))
    shown = f"[{host}]" if ":" in host else host
    return ListeningSocket(
        name=each["name"],
        fd=each["fd"],
        address=str(each["path"]) if "path" in each else f"{shown}:{each['port']}",
        backlog=each["backlog"],
        watchers=tuple(each["watchers"]),
        queued=None if queue is None else queue.queued,
        limit=None if queue is None else queue.limit,
        dropped=None if queue is None else queue.dropped,
        accepted_per_s=None if queue is None else queue.accepted_per_s,
    )
