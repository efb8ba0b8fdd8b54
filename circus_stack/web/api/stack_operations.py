"""`/stack/...`: what is done to all watchers at once. The console is one of them: so nothing here can be waited for
(that would wait for its own end), and a stop of all is for circusctl."""

from __future__ import annotations

from functools import partial

from circus_stack.protocol.roles import Role
from circus_stack.web.api.asking import role_of
from circus_stack.web.api.operations import Accepted, Nothing
from circus_stack.web.api.route import Reply, Request, Route
from circus_stack.web.stack.stack import Stack

_OPERATIONS = {
    "start": "Start all watchers.",
    "reload": "Replace the processes of all watchers, the new before the old.",
}


class StackOperationsResource:
    """The routes."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def routes(self) -> tuple[Route, ...]:
        """Their declarations."""
        return tuple(self._route(command, summary) for command, summary in _OPERATIONS.items())

    def _route(self, command: str, summary: str) -> Route:
        return Route(
            method="POST",
            path=f"/stack/{command}",
            summary=summary,
            handler=partial(self._operate, command),
            role=Role.OPERATE,
            body=Nothing,
            reply=Accepted,
            status=202,
            tag="stack",
        )

    def _operate(self, command: str, request: Request) -> Reply:
        begun = self._stack.operate(role_of(request), command, waits=False)
        return Reply(status=202, fields=Accepted(job=begun.job))
