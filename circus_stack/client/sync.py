"""The blocking client: one call after another on one DEALER socket. Works under gevent, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from circus_stack.client.call import (
    CAST_LINGER_MS,
    TIMEOUT_S,
    checked,
    matching_reply,
    new_identity,
    new_request,
    timeout_error,
)
from circus_stack.client.closing import Closing
from circus_stack.client.credentials import Credentials
from circus_stack.client.handshake import EVENTS, Handshake
from circus_stack.client.library import blocking_zmq
from circus_stack.errors import CallError
from circus_stack.protocol.reply import Reply
from circus_stack.protocol.roles import Role


class Client(Closing):
    """A connection to an arbiter. Not safe for threads: each thread makes its own.

    `timeout_s` is what a call waits at most. A `context` that is handed in is left open. `credentials` are for an
    arbiter that asks for a key. With `role` whatever is asked is judged and answered as for somebody of that role.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        timeout_s: float = TIMEOUT_S,
        context: Any = None,
        credentials: Credentials | None = None,
        role: Role | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.endpoint = endpoint
        self.role = role
        self.timeout_s = timeout_s
        self._clock = clock
        self._zmq = blocking_zmq(context)
        self._owns_context = context is None
        self._context = self._zmq.Context() if context is None else context
        self._handshake = Handshake(endpoint, credentials)
        self._socket = self._context.socket(self._zmq.DEALER)
        # From the beginning: the context of a client that nobody closes would wait for ever for what was never sent.
        self._socket.setsockopt(self._zmq.LINGER, 0)
        self._socket.setsockopt(self._zmq.IDENTITY, new_identity())
        if "[" in endpoint:
            self._socket.setsockopt(self._zmq.IPV6, 1)
        self._monitor = self._socket.get_monitor_socket(EVENTS | self._zmq.EVENT_DISCONNECTED)
        self._poller = self._zmq.Poller()
        self._poller.register(self._socket, self._zmq.POLLIN)
        self._poller.register(self._monitor, self._zmq.POLLIN)
        try:
            if credentials is not None:
                credentials.show_on(self._socket)
            self._socket.connect(endpoint)
        except self._zmq.ZMQError as error:
            self.close()
            raise CallError(f"cannot connect to {endpoint!r}: {self._zmq.strerror(error.errno)}") from None
        except BaseException:
            self.close()
            raise

    def request(self, command: str, properties: Mapping[str, Any], *, timeout_s: float | None = None) -> Reply:
        """Send a command and wait for its reply, an error reply included. Raises CallError if none comes in time:
        NoAnswerError where somebody is there."""
        limit = self.timeout_s if timeout_s is None else timeout_s
        reply = self.reply(self.begin(command, properties), limit)
        if reply is None:
            raise timeout_error(command, self.endpoint, limit, is_there=self.is_there)
        return reply

    def begin(self, command: str, properties: Mapping[str, Any]) -> str:
        """Send a command; its id, for `reply`. For who has something else to do meanwhile."""
        id, data = new_request(command, properties, role=self.role)
        self._send(data)
        return id

    def _send(self, data: bytes) -> None:
        """Raises CallError where nobody lets us in: libzmq gives the connection up then, and waits for ever."""
        self._handshake.check()
        while True:
            try:
                self._socket.send(data, self._zmq.NOBLOCK)
            except self._zmq.Again:
                if not self._monitor.poll(int(self.timeout_s * 1000)):
                    raise CallError(f"nothing can be sent to {self.endpoint} within {self.timeout_s:g} s") from None
                self._handshake.judge(self._monitor.recv_multipart())
            else:
                return

    def reply(self, id: str, timeout_s: float) -> Reply | None:
        """The reply to a command that was begun; None if there is none within `timeout_s`. Replies to commands that
        were begun before and given up are passed over. Raises CallError where the arbiter doesn't let us in."""
        self._handshake.check()
        deadline = self._clock() + timeout_s
        while ready := dict(self._poller.poll(max(0, int((deadline - self._clock()) * 1000)))):
            if self._socket not in ready:
                self._handshake.judge(self._monitor.recv_multipart())
                continue
            reply = matching_reply(self._socket.recv_multipart(), id)
            if reply is not None:
                return reply
        return None

    @property
    def is_there(self) -> bool:
        """Whether somebody listens at the endpoint and has let us in, as far as we have heard."""
        return self._handshake.is_open

    def call(self, command: str, **properties: Any) -> Reply:
        """Send a command and wait for its success. Raises CommandError for an error reply, CallError as `request`."""
        return checked(self.request(command, properties))

    def cast(self, command: str, **properties: Any) -> None:
        """Send a command that has no reply."""
        _, data = new_request(command, properties, is_cast=True, role=self.role)
        self._socket.setsockopt(self._zmq.LINGER, CAST_LINGER_MS)
        self._send(data)

    def close(self) -> None:
        """Give the connection up. Safe to call twice."""
        if not self._socket.closed:
            self._socket.disable_monitor()
            # The context would wait for it for ever.
            self._monitor.close(linger=0)
        self._socket.close()
        if self._owns_context:
            self._context.term()
