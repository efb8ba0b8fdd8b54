"""The XPUB socket: publishes what somebody has subscribed to, and knows whether somebody has. Knows no events."""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable
from typing import Any

import zmq

from circus_stack.control.complaint import Complaint
from circus_stack.control.entrance.entrance import Entrance
from circus_stack.control.guard import Guard
from circus_stack.control.readable import ReadableSocket
from circus_stack.control.subscribers import Subscribers

log = logging.getLogger(__name__)

# Subscriptions are a topic's length; nothing else comes in here.
_MAX_SUBSCRIPTION = 4096
# Each published topic is compared with each of them. For what is beyond it nothing is published.
_MAX_PREFIXES = 10_000


def _ignore(_prefix: bytes) -> None:
    """Nobody cares."""


class Xpub:
    """Publishes without ever blocking: what a subscriber doesn't read in time is dropped for that subscriber alone.

    `on_subscribe(prefix)` and `on_unsubscribe(prefix)` are called for the first and the last subscriber of a prefix.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: zmq.Context[Any],
        endpoint: str,
        *,
        queue_length: int,
        on_subscribe: Callable[[bytes], None] = _ignore,
        on_unsubscribe: Callable[[bytes], None] = _ignore,
        owner: str | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._prefixes: dict[bytes, None] = {}
        # The same, in the form that startswith() takes; made anew when it is needed, however many come at once.
        self._as_tuple: tuple[bytes, ...] | None = ()
        self._on_subscribe = on_subscribe
        self._on_unsubscribe = on_unsubscribe
        socket = context.socket(zmq.XPUB)
        try:
            socket.setsockopt(zmq.MAXMSGSIZE, _MAX_SUBSCRIPTION)
            socket.setsockopt(zmq.SNDHWM, queue_length)
            if guard is not None:
                # Each subscription, also one to what another has subscribed to: it tells whose the connection is.
                socket.setsockopt(zmq.XPUB_VERBOSE, 1)
            self._entrance = Entrance(loop, socket, endpoint, owner=owner, guard=guard)
        except BaseException:
            socket.close(linger=0)
            raise
        self.endpoint = self._entrance.endpoint
        self._loop = loop
        self._subscribers = Subscribers()
        self._complain = Complaint(loop.time, log.warning)
        self._readable = ReadableSocket(loop, socket, self._read_one)
        # Whether this turn of the loop has looked for subscriptions: a thousand events may come in one.
        self._has_looked = False

    def _read_one(self) -> None:
        frame = self._readable.socket.recv(zmq.NOBLOCK, copy=False)
        message = frame.bytes
        kind, prefix = message[:1], message[1:]
        if kind == b"\x01":
            self._subscribers.note(frame)
        if kind == b"\x01" and prefix not in self._prefixes and self._has_room():
            self._prefixes[prefix] = self._as_tuple = None
            self._on_subscribe(prefix)
        elif kind == b"\x00" and prefix in self._prefixes:
            del self._prefixes[prefix]
            self._as_tuple = None
            self._on_unsubscribe(prefix)

    def _has_room(self) -> bool:
        has_room = len(self._prefixes) < _MAX_PREFIXES
        if not has_room:
            self._complain("%s: a subscription was passed over, there are %d already", self.endpoint, _MAX_PREFIXES)
        return has_room

    def hang_up(self, keys: Collection[str]) -> None:
        """End the subscriptions of clients with these keys."""
        self._subscribers.hang_up(keys)

    def is_wanted(self, topic: bytes) -> bool:
        """Whether anybody has subscribed to a topic; takes subscriptions into account that came in before this turn of
        the loop."""
        if self._readable.is_closed:
            return False
        if not self._has_looked:
            self._has_looked = True
            self._loop.call_soon(self._look_again)
            self._readable.drain()
        if self._as_tuple is None:
            self._as_tuple = tuple(sorted(self._prefixes))
        return topic.startswith(self._as_tuple)

    def is_any_wanted(self, beginning: bytes) -> bool:
        """Whether anybody has subscribed to any topic that begins so."""
        if self.is_wanted(beginning):
            return True
        found = self._as_tuple or ()
        # They are sorted: those that begin so follow one another.
        at = bisect_left(found, beginning)
        return at < len(found) and found[at].startswith(beginning)

    def _look_again(self) -> None:
        self._has_looked = False

    def send(self, frames: list[bytes]) -> None:
        """Publish."""
        if self._readable.is_closed:
            return
        self._readable.socket.send_multipart(frames, zmq.NOBLOCK)
        self._readable.check()

    def send_all(self, messages: Iterable[tuple[bytes, bytes]]) -> None:
        """Publish many messages of two frames, in a fraction of the time that they take one by one."""
        if self._readable.is_closed:
            return
        send = self._readable.socket.send
        for topic, body in messages:
            send(topic, zmq.NOBLOCK | zmq.SNDMORE)
            send(body, zmq.NOBLOCK)
        self._readable.check()

    def close(self, linger_s: float) -> None:
        """Stop to publish; what is queued has `linger_s` seconds to go out."""
        self._readable.close(linger_s)
        self._entrance.close(linger_s)
