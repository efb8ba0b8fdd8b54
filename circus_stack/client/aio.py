"""The asyncio client: many calls at once on one DEALER socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import zmq
import zmq.asyncio

from circus_stack.client.call import CAST_LINGER_MS, TIMEOUT_S, checked, new_identity, new_request, timeout_error
from circus_stack.client.closing import AsyncClosing
from circus_stack.client.credentials import Credentials
from circus_stack.client.handshake import EVENTS, Handshake
from circus_stack.errors import CallError
from circus_stack.protocol.reply import Reply, parse_reply


class AsyncClient(AsyncClosing):
    """A connection to an arbiter, to be made and used in one event loop."""

    def __init__(self, endpoint: str, *, timeout_s: float = TIMEOUT_S, credentials: Credentials | None = None) -> None:
        self.endpoint = endpoint
        self.timeout_s = timeout_s
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.DEALER)
        # Also for a client that nobody closes: its context would wait for ever for what was never sent.
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.IDENTITY, new_identity())
        if "[" in endpoint:
            self._socket.setsockopt(zmq.IPV6, 1)
        if credentials is not None:
            credentials.show_on(self._socket)
        self._handshake = Handshake(endpoint, credentials)
        self._monitor = self._socket.get_monitor_socket(EVENTS)
        self._socket.connect(endpoint)
        self._waiting: dict[str, asyncio.Future[Reply]] = {}
        self._readers: tuple[asyncio.Task[None], ...] = ()

    async def request(self, command: str, properties: Mapping[str, Any], *, timeout_s: float | None = None) -> Reply:
        """Send a command and wait for its reply, an error reply included. Raises CallError if none comes in time."""
        limit = self.timeout_s if timeout_s is None else timeout_s
        id, data = new_request(command, properties)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[id] = future
        if not self._readers:
            self._readers = (asyncio.create_task(self._read()), asyncio.create_task(self._watch()))
        try:
            async with asyncio.timeout(limit):
                await self._socket.send(data)
                return await future
        except TimeoutError:
            raise timeout_error(command, self.endpoint, limit) from None
        finally:
            del self._waiting[id]

    async def call(self, command: str, **properties: Any) -> Reply:
        """Send a command and wait for its success. Raises CommandError for an error reply, CallError as `request`."""
        return checked(await self.request(command, properties))

    async def cast(self, command: str, **properties: Any) -> None:
        """Send a command that has no reply."""
        _, data = new_request(command, properties, is_cast=True)
        self._socket.setsockopt(zmq.LINGER, CAST_LINGER_MS)
        await self._socket.send(data)

    async def _read(self) -> None:
        while True:
            frames = await self._socket.recv_multipart()
            try:
                reply = parse_reply(frames[-1])
            except CallError as error:
                self._fail_all(error)
                continue
            future = self._waiting.get(str(reply.get("id")))
            if future is not None and not future.done():
                future.set_result(reply)

    async def _watch(self) -> None:
        """Who is not let in is told so, in place of a timeout."""
        while True:
            frames = await self._monitor.recv_multipart()
            try:
                self._handshake.judge(frames)
            except CallError as error:
                self._fail_all(error)

    def _fail_all(self, error: CallError) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(error)

    async def aclose(self) -> None:
        """Give the connection up; a cast that is on its way has a second to leave."""
        for reader in self._readers:
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader
        self._readers = ()
        if not self._socket.closed:
            self._socket.disable_monitor()
            self._monitor.close(linger=0)
        self._socket.close()
        await asyncio.to_thread(self._context.term)
