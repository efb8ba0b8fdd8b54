"""python-engineio's websocket on gevent, with bounds on what a client may send and on how long it may not read. Without
them it collects a message of any size before it looks at it, reads on and on while more comes so that nobody else is
served, and waits for ever for who does not read."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import gevent

# A page says some ten words when it changes; a hundred times as much is no page's.
MOST_MESSAGES = 100
MOST_BYTES = 65_536
WITHIN_S = 10.0
# Who has taken nothing for so long is gone: python-engineio waits as long for the answer to a ping.
_STALL_S = 20.0
# Of engine.io's packets, by the digit that they begin with; an empty message is passed over.
_KINDS = "0123456"


class Meter:
    """At most `most` of something within WITHIN_S; `clock` in seconds."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._since = clock()
        self._count = 0

    def take(self, number: int) -> None:
        """Raises OSError for too many."""
        now = self._clock()
        if now - self._since > WITHIN_S:
            self._count, self._since = 0, now
        self._count += number
        if self._count > self._most:
            raise OSError("a client says too much")


class _BoundedSocket:
    """What simple-websocket asks of a socket. It ends a connection at an OSError."""

    def __init__(self, inner: Any, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter

    def recv(self, size: int) -> bytes:
        """As a socket's."""
        found: bytes = self._inner.recv(size)
        self._meter.take(len(found))
        return found

    def send(self, data: bytes) -> None:
        """All of it: the part that gevent sends where not all fits would leave half a frame."""
        try:
            with gevent.Timeout(_STALL_S, OSError("a client does not read")):
                self._inner.sendall(data)
        except OSError:
            # Whoever waits for its words must hear of it, too.
            self.hang_up()
            raise

    def close(self) -> None:
        """As a socket's."""
        self._inner.close()

    def hang_up(self) -> None:
        """Nothing more comes or goes; whoever waits for it is told."""
        try:
            self._inner.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def bounded_websocket(kind: Any, longest: int) -> Any:
    """The class of the driver, whose messages have `longest` bytes at most. A client that says more, or more often than
    a page can want, or what is no packet of text, has its connection ended."""

    class BoundedWebSocket(kind):  # type: ignore[misc]
        def __init__(self, handler: Callable[[Any], Any], server: Any) -> None:
            def begun(websocket: Any) -> Any:
                websocket.ws.sock = _BoundedSocket(websocket.ws.sock, Meter(MOST_BYTES))
                return handler(websocket)

            super().__init__(begun, server)
            self.server_args["max_message_size"] = longest
            self._meter = Meter(MOST_MESSAGES)

        def close(self) -> None:
            try:
                super().close()
            finally:
                # simple-websocket goes on hearing who does not answer the goodbye.
                self.ws.sock.hang_up()

        def wait(self) -> str | None:
            message = super().wait()
            if message is None:
                return None
            self._meter.take(1)
            if not isinstance(message, str) or message[:1] not in _KINDS:
                raise OSError("this is no packet of text")
            return message

    return BoundedWebSocket
