"""Clients by Circus's names: a command as a dict in, the reply as a dict out, one of an error included."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from circus_stack.api.conversions import DEFAULT_ENDPOINT_DEALER
from circus_stack.api.reach import Reach
from circus_stack.client.aio import AsyncClient
from circus_stack.client.call import timeout_error
from circus_stack.client.credentials import read_credentials
from circus_stack.client.sync import Client
from circus_stack.errors import CallError
from circus_stack.protocol.codec import encode
from circus_stack.protocol.reply import Reply
from circus_stack.protocol.request import CAST

Message = dict[str, Any]
"""`{"command": NAME, "properties": {...}}`, and `"msg_type": "cast"` where no reply is wanted."""


def make_message(command: str, **props: Any) -> Message:
    """A command."""
    return {"command": command, "properties": props}


def cast_message(command: str, **props: Any) -> Message:
    """A command without a reply."""
    return {"command": command, "msg_type": CAST, "properties": props}


def make_json(command: str, **props: Any) -> str:
    """A command as JSON text."""
    return encode(make_message(command, **props)).decode()


class _Dialled(ABC):
    """What both clients take, and the way to the arbiter; `timeout` is in seconds here, and in milliseconds as the
    attribute, as Circus has it. `key` is the file of this client's key, for an endpoint that asks for one, and
    `server_key` the arbiter's public key, or a file that holds it, where the key file does not name it."""

    def __init__(
        self,
        context: Any = None,
        endpoint: str = DEFAULT_ENDPOINT_DEALER,
        timeout: float = 5.0,
        ssh_server: str | None = None,
        ssh_keyfile: str | None = None,
        *,
        key: str | None = None,
        server_key: str | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._timeout_s = float(timeout)
        self.timeout = self._timeout_s * 1000
        self._credentials = read_credentials(key, server_key) if key else None
        self._reach = Reach(endpoint, ssh_server, ssh_keyfile)
        self._connect(context)

    @abstractmethod
    def _connect(self, context: Any) -> None:
        """Make the connection, at the end of `_reach`."""


class CircusClient(_Dialled):
    """A blocking connection to an arbiter; `timeout` is in seconds. Each thread makes its own."""

    _client: Client

    def _connect(self, context: Any) -> None:
        self._client = Client(
            self._reach.endpoint,
            timeout_s=self._timeout_s,
            context=self._context(context),
            credentials=self._credentials,
        )

    @staticmethod
    def _context(given: Any) -> Any:
        """The ZeroMQ context, None for one of its own; another kind of program overrides it."""
        return given

    def send_message(self, command: str, **props: Any) -> Reply:
        """Give a command and wait for the reply. Raises CallError without one."""
        return self.call(make_message(command, **props))

    def call(self, cmd: Mapping[str, Any]) -> Reply:
        """The same with a message; that of a cast has an empty reply. Raises CallError, and TypeError for a text."""
        command, properties = _parts(cmd)
        if cmd.get("msg_type") == CAST:
            self._client.cast(command, **properties)
            return {}
        reply = self._client.reply(self._client.begin(command, properties), self._timeout_s)
        if reply is None:
            raise timeout_error(command, self.endpoint, self._timeout_s)
        return reply

    def stop(self) -> None:
        """Close the connection. Safe to call twice."""
        self._client.close()
        self._reach.close()


class AsyncCircusClient(_Dialled):
    """The same with coroutines, to be used in one event loop of asyncio (or of Tornado, whose loop that is)."""

    _closing: asyncio.Task[None] | None = None
    _client: AsyncClient

    def _connect(self, _context: Any) -> None:
        # Its sockets are the loop's: a context of the caller's has no place in them.
        self._client = AsyncClient(self._reach.endpoint, timeout_s=self._timeout_s, credentials=self._credentials)

    async def send_message(self, command: str, **props: Any) -> Reply:
        """Give a command and wait for the reply. Raises CallError without one."""
        return await self.call(make_message(command, **props))

    async def call(self, cmd: Mapping[str, Any]) -> Reply:
        """The same with a message; that of a cast has an empty reply. Raises CallError, and TypeError for a text."""
        command, properties = _parts(cmd)
        if cmd.get("msg_type") == CAST:
            await self._client.cast(command, **properties)
            return {}
        return await self._client.request(command, properties)

    def stop(self) -> asyncio.Task[None] | None:
        """Close the connection. In a running loop this begins it: the task that is returned may be awaited."""
        self._reach.close()
        if self._closing is None:
            try:
                self._closing = asyncio.get_running_loop().create_task(self._client.aclose())
            except RuntimeError:
                with contextlib.suppress(RuntimeError):
                    asyncio.run(self._client.aclose())
        return self._closing


def _parts(message: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    if not isinstance(message, Mapping):
        raise TypeError(f"call() takes a message as make_message() makes it, found {message!r}")
    command = message.get("command")
    if not isinstance(command, str):
        raise CallError(f"a message has a command; found {dict(message)!r}")
    return command, dict(message.get("properties") or {})


__all__ = ["AsyncCircusClient", "CallError", "CircusClient", "cast_message", "make_json", "make_message"]
