"""Published messages, as they come: events or log lines. Blocking; works under gevent, too."""

from __future__ import annotations

import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from circus_stack.client import handshake
from circus_stack.client.closing import Closing
from circus_stack.client.credentials import Credentials
from circus_stack.client.library import blocking_zmq
from circus_stack.errors import CallError
from circus_stack.protocol.frames import is_sync, parse_frames
from circus_stack.protocol.topics import sync_topic

Message = tuple[str, dict[str, Any]]
"""A topic and its JSON."""

# Messages that wait here while this program is busy; what doesn't fit waits at the publisher, and is dropped then.
EVENTS_QUEUE = 10_000
# Batches of log lines are large: one may hold what a pipe held.
LOGS_QUEUE = 256

# Until then whoever heard of the end has read what was left, and is gone.
_NO_RECONNECT_MS = 60 * 60 * 1000


class Subscriber(Closing):
    """A subscription to topics by their beginnings; "" is all of them.

    Without `reconnects` it ends with the publisher: `receive` hands out what had come, then None. Otherwise it goes on
    with whoever listens there next. `credentials` are for an arbiter that asks for a key. Where it doesn't let us in,
    CallError is raised by whatever waits.
    """

    def __init__(
        self,
        endpoint: str,
        topics: Iterable[str] = ("",),
        *,
        queue_length: int = EVENTS_QUEUE,
        reconnects: bool = True,
        context: Any = None,
        credentials: Credentials | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.endpoint = endpoint
        self._clock = clock
        self._zmq = blocking_zmq(context)
        self._owns_context = context is None
        self._context = self._zmq.Context() if context is None else context
        self._early: deque[Message] = deque()
        self._socket = self._context.socket(self._zmq.SUB)
        self._socket.setsockopt(self._zmq.RCVHWM, queue_length)
        if "[" in endpoint:
            self._socket.setsockopt(self._zmq.IPV6, 1)
        if not reconnects:
            # Not -1 for never: that throws away what was received and not read yet.
            self._socket.setsockopt(self._zmq.RECONNECT_IVL, _NO_RECONNECT_MS)
        self._reconnects, self._has_ended = reconnects, False
        self._joined_after: int | None = None
        self._handshake = handshake.Handshake(endpoint, credentials, attempts=None if reconnects else 1)
        self._monitor = self._socket.get_monitor_socket(handshake.EVENTS | self._zmq.EVENT_DISCONNECTED)
        self._poller = self._zmq.Poller()
        self._poller.register(self._socket, self._zmq.POLLIN)
        self._poller.register(self._monitor, self._zmq.POLLIN)
        for topic in topics:
            self._socket.setsockopt(self._zmq.SUBSCRIBE, topic.encode())
        try:
            if credentials is not None:
                credentials.show_on(self._socket)
            self._socket.connect(endpoint)
        except self._zmq.ZMQError as error:
            self.close()
            raise CallError(f"cannot connect to {endpoint!r}: {self._zmq.strerror(error.errno)}") from None

    @property
    def has_ended(self) -> bool:
        """Whether the publisher is gone for good: what is left to be received is here."""
        return self._has_ended

    @property
    def joined_after(self) -> int | None:
        """The number of the newest message before the moment at which `join` came true; None before that, and where the
        publisher numbers nothing."""
        return self._joined_after

    def join(self, timeout_s: float) -> bool:
        """Wait until the publisher knows the subscription: whatever is published from now on comes here.

        So a snapshot that is asked for afterwards leaves no hole. False if the publisher didn't tell within
        `timeout_s`: nobody publishes there, or it is a Circus, which doesn't tell.
        """
        topic = sync_topic(uuid.uuid4().hex)
        # Last of all subscriptions: they are read in their order.
        self._socket.setsockopt(self._zmq.SUBSCRIBE, topic.encode())
        deadline = self._clock() + timeout_s
        try:
            while (message := self._read(deadline - self._clock())) is not None:
                if message[0] == topic:
                    seq = message[1].get("seq")
                    self._joined_after = seq if isinstance(seq, int) else None
                    return True
                if not is_sync(message[0]):
                    self._early.append(message)
            return False
        finally:
            self._socket.setsockopt(self._zmq.UNSUBSCRIBE, topic.encode())

    def receive(self, timeout_s: float | None = None) -> Message | None:
        """The next message; None if there is none within `timeout_s` seconds (None: wait for ever), or will be none."""
        if self._early:
            return self._early.popleft()
        deadline = None if timeout_s is None else self._clock() + timeout_s
        while True:
            message = self._read(None if deadline is None else deadline - self._clock())
            if message is None or not is_sync(message[0]):
                return message

    def _read(self, timeout_s: float | None) -> Message | None:
        deadline = None if timeout_s is None else self._clock() + timeout_s
        while True:
            if not self._wait_readable(deadline):
                return None
            try:
                return parse_frames(self._socket.recv_multipart())
            except ValueError:
                # Not a publisher of ours or of Circus's: nothing to show.
                continue

    def _wait_readable(self, deadline: float | None) -> bool:
        """Whether there is a message before the deadline, and before the end."""
        while not self._has_ended:
            left_ms = None if deadline is None else max(0, int((deadline - self._clock()) * 1000))
            ready = dict(self._poller.poll(left_ms))
            if self._socket in ready:
                return True
            if not ready:
                return False
            event = self._handshake.judge(self._monitor.recv_multipart())
            self._has_ended = not self._reconnects and event == self._zmq.EVENT_DISCONNECTED
        # After the end what was received before is still here.
        return bool(self._socket.poll(0))

    def __iter__(self) -> Iterator[Message]:
        while (message := self.receive()) is not None:
            yield message

    def close(self) -> None:
        """End the subscription. Safe to call twice."""
        if not self._socket.closed:
            self._socket.disable_monitor()
            # The context would wait for it for ever.
            self._monitor.close(linger=0)
        self._socket.close(linger=0)
        if self._owns_context:
            self._context.term()
