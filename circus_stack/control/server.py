"""The control server: a request in, a reply out. Decides nothing; the handlers steer, the router carries.

Whatever a client sends, it gets a reply with an errno, and the server goes on.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable
from typing import Any

import zmq
from msgspec import structs

from circus_stack.control.authority import Authority
from circus_stack.control.complaint import Complaint
from circus_stack.control.desk import Desk, Offices
from circus_stack.control.guard import Guard
from circus_stack.control.handlers.table import HANDLERS, Fields
from circus_stack.control.masked import masked
from circus_stack.control.router import MAX_FRAMES, Envelope, Router
from circus_stack.control.sampler import Sampler
from circus_stack.control.steering import Reconfigure, Steering, Tail
from circus_stack.errors import CircusStackError, CommandError, Errno
from circus_stack.protocol.command import Command, check_properties
from circus_stack.protocol.commands import COMMANDS
from circus_stack.protocol.reply import error_reply, ok_reply
from circus_stack.protocol.request import BadRequestError, Request, parse_request
from circus_stack.protocol.roles import Role

log = logging.getLogger(__name__)

# Requests that wait for something at the same time: a client that asks without end must not fill the memory.
MAX_PENDING = 1000
# How long the end of the arbiter waits for replies: to be made, and then to go out.
_CLOSE_S = 0.5


class ControlServer:
    """The ROUTER endpoint. `endpoint` is the real one once `start` has bound it."""

    def __init__(
        self,
        arbiter: Steering,
        *,
        endpoint: str,
        context: zmq.Context[Any],
        tail: Tail,
        reconfigure: Reconfigure,
        offices: Offices | None = None,
        sampler: Sampler | None = None,
        authority: Authority | None = None,
        guard: Guard | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._context = context
        self._router: Router | None = None
        self._cut = 0
        self._close_reason = ""
        self._pending: set[asyncio.Task[None]] = set()
        self._sampler = sampler or Sampler()
        self._authority = authority or Authority()
        self._guard = guard
        self._complain = Complaint(time.monotonic, log.warning)
        given = offices or Offices()
        self._desk = Desk(
            arbiter=arbiter,
            tail=tail,
            sampler=self._sampler,
            reconfigure=reconfigure,
            offices=structs.replace(
                given, global_options=lambda: {"endpoint": self.endpoint, **given.global_options()}
            ),
        )

    @property
    def cut(self) -> int:
        """How many connections a message that was too long has cost."""
        return self._cut if self._router is None else self._router.cut

    async def start(self) -> None:
        """Bind and listen. Raises SocketError."""
        owner = self._desk.offices.endpoint_owner()
        loop = asyncio.get_running_loop()
        self._router = Router(loop, self._context, self.endpoint, self._receive, owner=owner, guard=self._guard)
        self.endpoint = self._router.endpoint

    @property
    def near_endpoint(self) -> str:
        """Where programs of this user connect to: they need no key."""
        return self.endpoint if self._guard is None else self._guard.near(self.endpoint)

    def _receive(self, envelope: Envelope, frames: list[bytes], key: str | None) -> None:
        if len(frames) != 1:
            found = f"{len(frames)} or more" if len(frames) > MAX_FRAMES - 2 else f"{len(frames)}"
            reason = f"message invalid: one frame is expected, found {found}"
            self._send(envelope, error_reply(None, reason, Errno.MESSAGE_ERROR, self._desk.epoch()))
            return
        try:
            request = parse_request(frames[0])
        except BadRequestError as error:
            self._send(envelope, error_reply(error.id, str(error), error.errno, self._desk.epoch()))
            return
        self._execute(envelope, request, key)

    def _execute(self, envelope: Envelope, request: Request, key: str | None) -> None:
        try:
            result = self._call(request, key)
        except Exception as error:
            self._fail(envelope, request, error)
            return
        if not inspect.isawaitable(result):
            self._succeed(envelope, request, result)
            return
        task = asyncio.ensure_future(self._finish(envelope, request, result))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    def _call(self, request: Request, key: str | None) -> Fields | Awaitable[Fields]:
        command = COMMANDS.get(request.command)
        if request.command == "listen":
            raise CommandError("listen is no command: subscribe to the endpoint of events (pubsub_endpoint)")
        if command is None:
            raise CommandError(f"unknown command: {request.command[:60]!r}", Errno.UNKNOWN_COMMAND)
        role = self._role(command, key, request.role)
        properties = check_properties(command, request.properties)
        waits = command.is_slow or properties.get("waiting")
        if waits and command.name != "quit" and len(self._pending) >= MAX_PENDING:
            raise CommandError(f"{MAX_PENDING} requests are waiting already: try again later", Errno.COMMAND_ERROR)
        result = HANDLERS[command.name](self._desk, properties)
        # What processes write is theirs, and may be much.
        return result if role is Role.ADMIN or command.name == "logs" else masked(result)

    def _role(self, command: Command, key: str | None, asked_as: Role | None) -> Role:
        try:
            return self._authority.check(command, key, asked_as)
        except CommandError as error:
            self._complain("a command was refused: %s", error)
            raise

    async def _finish(self, envelope: Envelope, request: Request, result: Awaitable[Fields]) -> None:
        try:
            fields = await result
        except asyncio.CancelledError:
            self._fail(envelope, request, CommandError(self._close_reason, Errno.COMMAND_ERROR))
        except Exception as error:
            self._fail(envelope, request, error)
        else:
            self._succeed(envelope, request, fields)

    def _succeed(self, envelope: Envelope, request: Request, fields: Fields) -> None:
        if not request.is_cast:
            self._send(envelope, ok_reply(request.id, fields, self._desk.epoch()))

    def _fail(self, envelope: Envelope, request: Request, error: Exception) -> None:
        reason, errno = _explain(request, error)
        if not request.is_cast:
            self._send(envelope, error_reply(request.id, reason, errno, self._desk.epoch()))

    def _send(self, envelope: Envelope, reply: bytes) -> None:
        if self._router is not None and not self._router.send(envelope, reply):
            log.debug("a reply was dropped: its client is gone, or does not read; %d so far", self._router.dropped)

    async def aclose(self, reason: str = "the arbiter has quit before the operation ended") -> None:
        """Answer who waits, let the replies go out, and close. Bounded: a second or so. Safe to call twice.

        Whoever waits for what has not ended by then gets `reason`.
        """
        self._close_reason = reason
        self._desk.closing.set()
        pending = set(self._pending)
        if pending:
            _, unfinished = await asyncio.wait(pending, timeout=_CLOSE_S)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)
        self._sampler.close()
        if self._router is not None:
            self._router.close(_CLOSE_S)
            self._cut = self._router.cut
            self._router = None


def _explain(request: Request, error: Exception) -> tuple[str, Errno]:
    """What a client is told of a failure: never a traceback, which belongs into the arbiter's log."""
    match error:
        case CommandError():
            return str(error), error.errno
        case CircusStackError():
            return str(error), Errno.COMMAND_ERROR
        case OSError():
            return f"{request.command}: {error}", Errno.OS_ERROR
        case _:
            log.error("command %r failed", request.command, exc_info=error)
            return f"command {request.command!r} failed: {error!r}; the arbiter's log has more", Errno.COMMAND_ERROR
