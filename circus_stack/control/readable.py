"""A ZeroMQ socket in an asyncio loop: calls back when it can be read, and never polls.

The file descriptor of a ZeroMQ socket is edge-triggered: it wakes once for any change, and any call on the socket may
take the edge away. So a socket is read until it says EAGAIN, and looked at again after each send.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import zmq

# What one turn of the loop reads at most, so that a flood of messages cannot starve the rest of the arbiter.
BATCH = 32


class ReadableSocket:
    """Owns a socket. `read_one` reads one message and raises zmq.Again when there is none."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket: zmq.Socket[Any], read_one: Callable[[], None]) -> None:
        self.socket = socket
        self._loop = loop
        self._read_one = read_one
        self._next: asyncio.Handle | None = None
        self._fd = int(socket.getsockopt(zmq.FD))
        loop.add_reader(self._fd, self._read)
        # What came in before now has spent its edge.
        self.check()

    @property
    def is_closed(self) -> bool:
        """Whether nothing more can be read or sent."""
        return self.socket.closed

    def _read(self) -> None:
        self._next = None
        for _ in range(BATCH):
            if self.socket.closed:
                return
            try:
                self._read_one()
            except zmq.Again:
                return
        self._read_soon()

    def _read_soon(self) -> None:
        if self._next is None:
            self._next = self._loop.call_soon(self._read)

    def check(self) -> None:
        """To be called after each send: read soon if the send has taken the edge away."""
        if self._has_message():
            self._read_soon()

    def drain(self) -> None:
        """Read now all that is there, one batch at most; the rest follows in the loop."""
        if self._has_message():
            self._read()

    def _has_message(self) -> bool:
        return bool(int(self.socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN)

    def close(self, linger_s: float) -> None:
        """Stop to read; what is queued may still go out within `linger_s` seconds. Safe to call twice."""
        if self.socket.closed:
            return
        self._loop.remove_reader(self._fd)
        if self._next is not None:
            self._next.cancel()
        self.socket.close(linger=int(linger_s * 1000))
