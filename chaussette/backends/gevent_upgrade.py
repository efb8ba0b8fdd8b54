"""A connection that leaves HTTP, as WebSocket libraries take it out of the environ. Imported once gevent is there."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from gevent.lock import RLock

log = logging.getLogger("chaussette")

# Where libraries look: simple-websocket, and so python-socketio and flask-sock, for the first; others for the second.
KEYS = ("werkzeug.socket", "gevent.socket")
# RFC 6455, 5.5.1 and 7.4.1: a close frame without a mask, of two bytes: 1001, "going away".
_GOING_AWAY = b"\x88\x02\x03\xe9"


class UpgradedSocket:
    """The socket of a request that asks for an upgrade. `is_used`: something was read or sent by it, and what
    follows is no HTTP. Anything else is asked of the socket below, gevent's or one of TLS. Closed by the server alone.
    """

    def __init__(self, sock: Any, is_websocket: bool) -> None:
        self._sock = sock
        self._is_websocket = is_websocket
        # Two greenlets may send: a frame goes out whole, and TLS tries the very bytes again that it has begun with.
        self._sending = RLock()
        self.is_used = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def recv(self, size: int, *flags: int) -> bytes:
        """As a socket's that blocks; others run meanwhile."""
        self.is_used = True
        received: bytes = self._sock.recv(size, *flags)
        return received

    def send(self, data: bytes) -> int:
        """All of it: libraries take a blocking socket to send as much, and gevent's sends what there is room for."""
        self.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        """All of it, before anything that another greenlet sends."""
        self.is_used = True
        with self._sending:
            self._sock.sendall(data)

    def close(self) -> None:
        """The server closes the connection when the application returns."""

    def go_away(self) -> None:
        """The server stops: ask a WebSocket's client for the close, and let any other protocol read the end."""
        if self.is_used and self._is_websocket:
            gevent.spawn(self._ask_for_close)
        else:
            self._shut(socket.SHUT_RD)

    def end(self) -> None:
        """The application has returned: whoever still waits on the socket learns of it before it is closed."""
        self._shut(socket.SHUT_RDWR)
        # The hub tells of what has ended only in its next turn.
        gevent.sleep(0.001)

    def release(self) -> None:
        """Close the socket below, where it is a duplicate that was made for this."""
        self._sock.close()

    def _ask_for_close(self) -> None:
        if not self._sending.acquire(blocking=False):
            # Somebody sends, and may do so for long.
            self._shut(socket.SHUT_RD)
            return
        try:
            self.sendall(_GOING_AWAY)
        except OSError:
            self._shut(socket.SHUT_RD)
        finally:
            self._sending.release()

    def _shut(self, how: int) -> None:
        try:
            self._sock.shutdown(how)
        except OSError:
            pass


def without_answer(app: Callable[..., Any], sock: UpgradedSocket, done: Callable[[], None]) -> Callable[..., Any]:
    """`app`, whose response is dropped once it has spoken by `sock`; `done` is called then, and may raise."""

    def run(environ: Any, start_response: Any) -> Iterable[bytes]:
        try:
            result: Iterable[bytes] = app(environ, start_response)
        except (StopIteration, OSError):
            # What libraries raise to make other servers send nothing.
            if not sock.is_used:
                raise
            result = []
        except Exception:
            if not sock.is_used:
                raise
            log.exception("%s failed after its upgrade", environ.get("PATH_INFO"))
            result = []
        if not sock.is_used:
            return result
        close = getattr(result, "close", None)
        if close is not None:
            close()
        done()
        return []

    return run
