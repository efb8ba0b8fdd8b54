"""One stack, as the API and the live channel ask it: the arbiter by its commands, circusd-stats by its figures."""

from __future__ import annotations

from typing import Any

from circus_stack.client.credentials import Credentials
from circus_stack.client.reach import seen_from_here
from circus_stack.client.stats.records import History, Snapshot
from circus_stack.client.stats.whereabouts import Whereabouts, whereabouts_told
from circus_stack.errors import CallError, CircusStackError
from circus_stack.protocol.reply import Reply
from circus_stack.protocol.roles import Role
from circus_stack.web.stack.connections import Connections
from circus_stack.web.stack.operations import Operation, Operations
from circus_stack.web.stack.statistics import Statistics

_TIMEOUT_S = 10.0
_NAME_TIMEOUT_S = 2.0


class Stack:
    """Raises CommandError where the arbiter refuses, CallError where nobody answers."""

    def __init__(self, endpoint: str, credentials: Credentials | None = None) -> None:
        self.endpoint = endpoint
        self.credentials = credentials
        self._connections = Connections(endpoint, credentials)
        self._operations = Operations(self._connections)
        self._name: str | None = None
        self._statistics = Statistics(self._whereabouts)

    def call(self, role: Role, command: str, *, timeout_s: float | None = None, **properties: Any) -> Reply:
        """The reply to a command, as `role` is given it."""
        with self._connections.take(role) as client:
            client.timeout_s = timeout_s or _TIMEOUT_S
            return client.call(command, **properties)

    def operate(self, role: Role, command: str, *, waits: bool, **properties: Any) -> Operation:
        """What became of a command that changes something: with `waits` when it is done, or when we must go first."""
        if waits:
            return self._operations.wait(role, command, properties)
        reply = self.call(role, command, **properties)
        return Operation(job=reply.get("job"), is_done=False, fields=reply)

    def global_options(self) -> dict[str, Any]:
        """The endpoints and the like, as the arbiter has them now."""
        return dict(self.call(Role.VIEW, "globaloptions")["options"])

    def name(self) -> str | None:
        """What the stack is called; asked once. None where nobody answers."""
        if self._name is None:
            try:
                self._name = str(self.call(Role.VIEW, "globaloptions", timeout_s=_NAME_TIMEOUT_S)["options"]["name"])
            except (CircusStackError, KeyError):
                return None
        return self._name

    def seen_from_here(self, option: str) -> str:
        """An endpoint that the arbiter tells, as it is reached from here. Raises CallError where it has none."""
        found = str(self.global_options().get(option) or "")
        if not found:
            raise CallError(f"the arbiter at {self.endpoint} has no {option}")
        return seen_from_here(found, self.endpoint)

    def snapshot(self) -> Snapshot:
        """The newest figures of everything."""
        with self._statistics.take() as statistics:
            return statistics.snapshot()

    def history(self, watcher: str, pid: int | None, since_s: float) -> History:
        """The figures of the last `since_s` seconds; `watcher` is empty for the stack."""
        with self._statistics.take() as statistics:
            return statistics.history(watcher, pid=pid, since_s=since_s)

    def metrics(self, accept: str) -> tuple[str, str]:
        """The page of metrics in the form that `accept` names, and its Content-Type."""
        with self._statistics.take() as statistics:
            return statistics.metrics(accept)

    def _whereabouts(self) -> Whereabouts:
        return whereabouts_told(self.global_options(), self.endpoint, self.credentials)
