"""The ROUTER socket: requests in, replies out, whatever a client sends. Knows envelopes, no commands."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import zmq

from circus_stack.control.complaint import Complaint
from circus_stack.control.entrance.entrance import Entrance
from circus_stack.control.guard import Guard
from circus_stack.control.readable import ReadableSocket
from circus_stack.protocol.codec import MAX_MESSAGE

log = logging.getLogger(__name__)

Envelope = tuple[bytes, ...]
"""The way back to a client: its identity, and the empty frame that a REQ socket puts behind it."""

# Requests of one client that wait in memory, and replies that one client may leave unread; more of them stay in its
# own send queue, or are dropped and counted: a client that is slow can stall neither another nor the arbiter.
_REQUESTS = 64
_REPLIES = 256
# A request has one frame, and at most two that are its envelope. Of a message with more, these are read and the rest is
# thrown away, so many at a time.
MAX_FRAMES = 8
_THROWN_AT_ONCE = 64
# By this name libzmq gives, beside each frame, what the authenticator has said of its sender.
_USER = "User-Id"

OnMessage = Callable[[Envelope, list[bytes], str | None], None]


class Router:
    """Calls `on_message(envelope, frames, key)` in the loop for each message of each client. `key` is the public key
    that the client has proved to hold; None for one that came by an endpoint without a guard.

    `dropped` counts replies that nobody took, `cut` the connections that a message which was too long has cost. The
    file of an ipc endpoint is given to `owner`; a `guard` stands before a TCP endpoint. A client may leave `replies`
    unread.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: zmq.Context[Any],
        endpoint: str,
        on_message: OnMessage,
        *,
        owner: str | None = None,
        guard: Guard | None = None,
        replies: int = _REPLIES,
    ) -> None:
        self._on_message = on_message
        # Whether the rest of a message that had too many frames is still to be thrown away.
        self._is_throwing = False
        self.dropped = 0
        self.cut = 0
        self._complain = Complaint(loop.time, log.warning)
        socket = context.socket(zmq.ROUTER)
        try:
            _set_limits(socket, replies)
            self._entrance = Entrance(loop, socket, endpoint, owner=owner, guard=guard, on_cut=self._note_cut)
        except BaseException:
            socket.close(linger=0)
            raise
        self.endpoint = self._entrance.endpoint
        self._readable = ReadableSocket(loop, socket, self._read_one)

    def _note_cut(self, peer: str) -> None:
        self.cut += 1
        self._complain(
            "a client at %s lost its connection: a message over %d bytes, what is no message, a refused key or no "
            "greeting in time; %d so far",
            peer,
            MAX_MESSAGE,
            self.cut,
        )

    def _read_one(self) -> None:
        if self._is_throwing:
            self._throw_rest()
            return
        frames = [self._readable.socket.recv(zmq.NOBLOCK, copy=False)]
        while frames[-1].more and len(frames) < MAX_FRAMES:
            frames.append(self._readable.socket.recv(zmq.NOBLOCK, copy=False))
        self._is_throwing = frames[-1].more
        envelope, payload = _split([frame.bytes for frame in frames])
        self._on_message(envelope, payload, _key_of(frames[-1]))

    def _throw_rest(self) -> None:
        for _ in range(_THROWN_AT_ONCE):
            if not self._readable.socket.recv(zmq.NOBLOCK, copy=False).more:
                self._is_throwing = False
                return

    def send(self, envelope: Envelope, reply: bytes) -> bool:
        """Queue a reply; False if the client is gone, or leaves its replies unread."""
        if self._readable.is_closed:
            return False
        try:
            self._readable.socket.send_multipart([*envelope, reply], zmq.NOBLOCK)
        except zmq.ZMQError as error:
            if error.errno not in (zmq.EAGAIN, zmq.EHOSTUNREACH):
                raise
            self.dropped += 1
            return False
        finally:
            self._readable.check()
        return True

    def close(self, linger_s: float) -> None:
        """Stop to listen; replies that are queued have `linger_s` seconds to go out."""
        self._readable.close(linger_s)
        self._entrance.close(linger_s)


def _set_limits(socket: zmq.Socket[Any], replies: int) -> None:
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
    socket.setsockopt(zmq.RCVHWM, _REQUESTS)
    socket.setsockopt(zmq.SNDHWM, replies)
    # Without it a reply that can't be sent vanishes uncounted.
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    # A client that comes back with its old identity replaces the connection that it lost.
    socket.setsockopt(zmq.ROUTER_HANDOVER, 1)


def _key_of(frame: zmq.Frame) -> str | None:
    try:
        key = frame.get(_USER)
    except zmq.ZMQError:
        return None
    return str(key)


def _split(frames: list[bytes]) -> tuple[Envelope, list[bytes]]:
    """A DEALER's message is identity and payload; a REQ's has an empty frame between them."""
    if len(frames) > 2 and not frames[1]:
        return (frames[0], b""), frames[2:]
    return (frames[0],), frames[1:]
