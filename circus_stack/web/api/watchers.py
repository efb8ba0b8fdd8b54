"""`/watchers`: what there is, in which state, and the operations on it."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from msgspec import Meta, Struct

from circus_stack.literals import MAX_PROCESSES
from circus_stack.protocol.roles import Role
from circus_stack.web.access import audit
from circus_stack.web.access.refusal import RefusedError
from circus_stack.web.api.asking import role_of
from circus_stack.web.api.operations import Accepted, Nothing, operate
from circus_stack.web.api.route import Handler, Reply, Request, Route
from circus_stack.web.api.section import Section
from circus_stack.web.stack.stack import Stack

_SECTION = Section("watchers")
_OF_ONE = Section("watchers", {404: "there is no such watcher"})

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Count = Annotated[int, Meta(ge=1, le=MAX_PROCESSES)]


class Process(Struct, frozen=True, kw_only=True):
    """`wid` is its slot; `started` and `ready_at` are seconds since the epoch; `generation` grows with each reload."""

    pid: int
    wid: int
    state: str
    started: float
    ready_at: float | None
    generation: int
    health: dict[str, Any] | None = None


class Watcher(Struct, frozen=True, kw_only=True):
    """`numprocesses` are wanted, `running` are there, `ready` serve. `detail` says what the state doesn't tell;
    `failed` {reason, since, lines} is there once it was given up, `last_exit` after any end."""

    name: str
    state: str
    detail: str
    numprocesses: int
    running: int
    ready: int
    pids: tuple[int, ...]
    failures: int
    waits_for: dict[str, str]
    degraded_by: dict[str, str]
    health: dict[str, Any] | None
    failed: dict[str, Any] | None
    last_exit: dict[str, Any] | None
    run: dict[str, Any] | None
    schedule: dict[str, Any] | None
    dropped_lines: int
    labels: dict[str, str]
    processes: tuple[Process, ...]


class NewWatcher(Struct, forbid_unknown_fields=True):
    """`options` are those of a section [watcher:NAME], by name; `start` starts it at once."""

    name: Name
    cmd: Annotated[str, Meta(min_length=1, max_length=32_768)]
    options: dict[str, Any] = {}
    start: bool = True


class Resize(Struct, forbid_unknown_fields=True):
    """How many processes more, or fewer."""

    nb: Count = 1


class Signalled(Struct, forbid_unknown_fields=True):
    """A signal by name or number, to all processes, or to one."""

    signal: Annotated[str, Meta(min_length=1, max_length=20)]
    pid: Annotated[int, Meta(gt=0)] | None = None


class WatchersResource:
    """The routes."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def routes(self) -> tuple[Route, ...]:
        """Their declarations."""
        return (
            *self._declared(),
            *(self._change(name, text, partial(self._operate, name), Nothing) for name, text in _OPERATIONS.items()),
            *(self._change(name, text, partial(self._change_number, name), Resize) for name, text in _RESIZES.items()),
            self._change("signal", "Send a signal to its processes.", self._signal, Signalled),
        )

    def _declared(self) -> tuple[Route, ...]:
        return (
            _SECTION.shows("/watchers", "All watchers.", self._all, list[Watcher]),
            Route(
                method="POST",
                path="/watchers",
                summary="Add a watcher.",
                handler=self._add,
                role=Role.ADMIN,
                body=NewWatcher,
                reply=Watcher,
                status=201,
                tag=_SECTION.tag,
                statuses={409: "the name is taken, or an option is not valid"},
            ),
            _OF_ONE.shows("/watchers/{name}", "One watcher.", self._one, Watcher),
            _OF_ONE.operates(
                "/watchers/{name}",
                "Remove a watcher and stop its processes.",
                partial(self._operate, "rm"),
                method="DELETE",
                role=Role.ADMIN,
                body=None,
            ),
        )

    def _change(self, command: str, summary: str, handler: Handler, body: type) -> Route:
        return _OF_ONE.operates(f"/watchers/{{name}}/{command}", summary, handler, body=body)

    # -- handlers ---------------------------------------------------------------------------------------------

    def _all(self, request: Request) -> Reply:
        return Reply(fields=_watchers(self._stack, request))

    def _one(self, request: Request) -> Reply:
        return Reply(fields=find_watcher(self._stack, request))

    def _add(self, request: Request) -> Reply:
        given: NewWatcher = request.body
        audit.tell(request.environ, given.name)
        self._stack.call(
            role_of(request), "add", name=given.name, cmd=given.cmd, options=given.options, start=given.start
        )
        return Reply(status=201, fields=find_watcher(self._stack, request, given.name))

    def _operate(self, command: str, request: Request) -> Reply:
        exact = {"match": "simple"} if command in ("start", "stop", "restart") else {}
        return self._done(request, command, **exact)

    def _change_number(self, command: str, request: Request) -> Reply:
        audit.tell(request.environ, f"{request.body.nb}")
        return self._done(request, command, nb=request.body.nb)

    def _done(self, request: Request, command: str, **properties: Any) -> Reply:
        # By its name as it is: a pattern would mean others, too.
        name = find_watcher(self._stack, request).name
        return operate(self._stack, request, command, name=name, **properties)

    def _signal(self, request: Request) -> Reply:
        name = find_watcher(self._stack, request).name
        pid = {} if request.body.pid is None else {"pid": request.body.pid}
        audit.tell(request.environ, f"{request.body.signal} to {request.body.pid or 'all'}")
        self._stack.call(role_of(request), "signal", name=name, signum=request.body.signal, **pid)
        # There is nothing to wait for: a signal is sent, or it is not.
        return Reply(fields=Accepted(job=None))


_OPERATIONS = {
    "start": "Start it.",
    "stop": "Stop it.",
    "restart": "Stop it, then start it.",
    "reload": "Let new processes take over; the old ones serve until the new are ready.",
}
_RESIZES = {"incr": "Add processes.", "decr": "Take processes away."}


def find_watcher(stack: Stack, request: Request, name: str | None = None) -> Watcher:
    """That of this name, else of the name in the path, in any case, as whatever takes a name takes it. Raises
    RefusedError, 404."""
    wanted = request.path["name"] if name is None else name
    for each in _watchers(stack, request):
        if each.name.lower() == wanted.lower():
            return each
    raise RefusedError(404, f"there is no watcher {wanted[:200]!r}", option="name")


def _watchers(stack: Stack, request: Request) -> list[Watcher]:
    status = stack.call(role_of(request), "status", extended=True)
    return [_watcher(name, state, status["watchers"][name]) for name, state in status["statuses"].items()]


def _watcher(name: str, state: str, found: dict[str, Any]) -> Watcher:
    processes = tuple(_process(each) for each in found["processes"])
    return Watcher(
        name=name,
        state=state,
        detail=found["detail"],
        numprocesses=found["wanted"],
        running=len(processes),
        ready=sum(each.ready_at is not None for each in processes),
        pids=tuple(each.pid for each in processes),
        failures=found["failures"],
        waits_for=found["waits_for"],
        degraded_by=found["degraded_by"],
        health=found["health"],
        failed=found["failed"],
        last_exit=found["last_exit"],
        run=found["run"],
        schedule=found["schedule"],
        dropped_lines=found["dropped_lines"],
        labels=found["labels"],
        processes=processes,
    )


def _process(each: dict[str, Any]) -> Process:
    return Process(
        pid=each["pid"],
        wid=each["wid"],
        state=each["state"],
        started=each["started"],
        ready_at=each["ready_at"],
        generation=each["generation"],
        health=each.get("health"),
    )
