"""`/watchers/{name}/processes`: the processes of one watcher, and what can be done to one of them."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from circus_stack.protocol.roles import Role
from circus_stack.web.access import audit
from circus_stack.web.access.refusal import RefusedError
from circus_stack.web.api.asking import role_of
from circus_stack.web.api.operations import Accepted, operate
from circus_stack.web.api.route import Reply, Request, Route
from circus_stack.web.api.section import Section
from circus_stack.web.api.watchers import Process, Watcher, find_watcher
from circus_stack.web.stack.stack import Stack

_SECTION = Section("processes", {404: "there is no such watcher, or it has no such process"})
_MOST_DIGITS = 10


class SignalToProcess(Struct, forbid_unknown_fields=True):
    """A signal by name or number."""

    signal: Annotated[str, Meta(min_length=1, max_length=20)]


class Kill(Struct, forbid_unknown_fields=True):
    """What is sent first in place of the watcher's stop_signal, and after how many seconds SIGKILL follows."""

    signal: Annotated[str, Meta(min_length=1, max_length=20)] | None = None
    graceful_timeout: Annotated[float, Meta(ge=0, le=86_400)] | None = None


class ProcessesResource:
    """The routes."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def routes(self) -> tuple[Route, ...]:
        """Their declarations."""
        return (
            _SECTION.shows("/watchers/{name}/processes", "The processes of a watcher.", self._all, list[Process]),
            Route(
                method="POST",
                path="/watchers/{name}/processes/{pid}/signal",
                summary="Send a signal to a process.",
                handler=self._signal,
                role=Role.OPERATE,
                body=SignalToProcess,
                reply=Accepted,
                tag=_SECTION.tag,
                statuses=_SECTION.statuses,
            ),
            _SECTION.operates(
                "/watchers/{name}/processes/{pid}/kill",
                "End a process: a signal, then SIGKILL after a while. The watcher replaces it.",
                self._kill,
                body=Kill,
            ),
        )

    def _all(self, request: Request) -> Reply:
        return Reply(fields=find_watcher(self._stack, request).processes)

    def _signal(self, request: Request) -> Reply:
        watcher, pid = self._process(request)
        audit.tell(request.environ, request.body.signal)
        self._stack.call(role_of(request), "signal", name=watcher.name, pid=pid, signum=request.body.signal)
        return Reply(fields=Accepted(job=None))

    def _kill(self, request: Request) -> Reply:
        watcher, pid = self._process(request)
        given: Kill = request.body
        audit.tell(request.environ, given.signal or "")
        how: dict[str, Any] = {"signum": given.signal, "graceful_timeout": given.graceful_timeout}
        named = {key: value for key, value in how.items() if value is not None}
        return operate(self._stack, request, "kill", name=watcher.name, pid=pid, **named)

    def _process(self, request: Request) -> tuple[Watcher, int]:
        """The watcher and one of its pids. Raises RefusedError, 404, also for a pid that is another's."""
        watcher, text = find_watcher(self._stack, request), request.path["pid"]
        pid = int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0
        if pid not in watcher.pids:
            raise RefusedError(404, f"{watcher.name} has no process {text[:50]!r}", option="pid")
        return watcher, pid
