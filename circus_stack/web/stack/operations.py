"""Operations that are waited for, until they are done. One may end this very process: then whoever asked gets the
number of the job instead, by which somebody else tells how it went on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from circus_stack.client.call import checked, timeout_error
from circus_stack.client.sync import Client
from circus_stack.errors import CircusStackError
from circus_stack.protocol.reply import Reply
from circus_stack.protocol.roles import Role
from circus_stack.web.stack.connections import Connections
from circus_stack.web.stack.ending import Ending

# What an operation that is waited for may take: a rolling reload of many workers.
WAITING_TIMEOUT_S = 300.0
# How soon who waits notices that this process is to end: it has four seconds then to answer.
_SLICE_S = 0.25
_JOB_TIMEOUT_S = 2.0
_UNDER_WAY = ("queued", "running")


class Operation(Struct, frozen=True, kw_only=True):
    """`job` is its number, None where nobody knows it; `fields` is the reply of the arbiter, which tells what was done
    if `is_done`."""

    job: str | None
    is_done: bool
    fields: Mapping[str, Any]


class _EndsFirstError(Exception):
    """This process is to end before the operation has."""


class Operations:
    """Waits on `connections`. `ending` tells when not to wait any longer."""

    def __init__(
        self, connections: Connections, ending: Ending | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._connections = connections
        self._ending = Ending() if ending is None else ending
        self._clock = clock

    def wait(self, role: Role, command: str, properties: Mapping[str, Any]) -> Operation:
        """What a command has done. Raises CommandError and CallError, as `Stack.call`."""
        self._ending.watch()
        try:
            with self._connections.take(role) as client:
                reply = checked(self._reply(client, command, properties))
        except _EndsFirstError:
            return Operation(job=self._job(role, command), is_done=False, fields={})
        return Operation(job=reply.get("job"), is_done=True, fields=reply)

    def _reply(self, client: Client, command: str, properties: Mapping[str, Any]) -> Reply:
        id, deadline = client.begin(command, {**properties, "waiting": True}), self._clock() + WAITING_TIMEOUT_S
        while (reply := client.reply(id, _SLICE_S)) is None:
            if self._ending.is_near:
                raise _EndsFirstError
            if self._clock() > deadline:
                raise timeout_error(command, client.endpoint, WAITING_TIMEOUT_S, is_there=client.is_there)
        return reply

    def _job(self, role: Role, command: str) -> str | None:
        """The newest job of that command which is under way: the one that we waited for, unless another was asked for
        in the same moment."""
        try:
            with self._connections.take(role) as client:
                client.timeout_s = _JOB_TIMEOUT_S
                jobs = client.call("jobs")["jobs"]
        except CircusStackError:
            return None
        found = [each["id"] for each in jobs if each["command"] == command and each["state"] in _UNDER_WAY]
        return found[-1] if found else None
