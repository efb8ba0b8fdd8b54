"""eventlet's wsgi under an accept loop of our own, so that no request is lost at stop. Imported once it has patched.

Its `wsgi.server()` closes idle connections under a request that is on its way, and never says `Connection: close`.
"""

from __future__ import annotations

import _socket
import contextlib
import logging
import os

# For what must not wait in the hub: eventlet patches `os.read` and `os.write`.
import posix
import signal
from collections.abc import Iterator, Sequence
from typing import Any

import eventlet
from eventlet import greenio, hubs, wsgi

from chaussette.backends.method import is_served
from chaussette.backends.response_layer import mended
from chaussette.backends.shortage import SHORTAGE_S, SHORTAGES
from chaussette.environ import UNIX_REMOTE_ADDR
from chaussette.idle import end_reading
from chaussette.lifecycle import Lifecycle
from chaussette.sockets import Listener

log = logging.getLogger("chaussette.eventlet")

# A pool needs a size; more connections than this are more than a process of Python serves.
MOST_CONNECTIONS = 10_000
# An idle connection ends after this, as meinheld's and fastgevent's.
KEEPALIVE_S = 75
# A client that sends half a request, or takes no response, for this long is gone.
STALL_S = 60
DRAIN_ROUND_S = 0.05
MOST_QUEUED = 4096


class ErrorLog:
    """What eventlet writes tracebacks of the application to; its lines about connections are not wanted."""

    def info(self, message: str, *args: object) -> None:
        """A traceback: with the access log off nothing else comes."""
        log.error(message, *args)

    def error(self, message: str, *args: object) -> None:
        """A client's mistake."""
        log.debug(message, *args)

    def debug(self, _message: str, *_args: object) -> None:
        """A connection came or went."""


class Protocol(wsgi.HttpProtocol):  # type: ignore[misc]  # eventlet is not typed here
    """eventlet's handler, with the environ mended, and the methods refused that no application gets."""

    def parse_request(self) -> bool:
        """Whether there is a request to serve; where there is none, its refusal is sent."""
        if not super().parse_request():
            return False
        if is_served(self.command):
            return True
        self.close_connection = True
        self.send_error(400, "Bad Request", "this is no method for an application")
        return False

    def get_environ(self) -> dict[str, Any]:
        """The environ. eventlet makes up a CONTENT_TYPE, calls each request HTTP/1.0, and asks the socket its name."""
        environ: dict[str, Any] = super().get_environ()
        environ.update(self.server.environ)
        # No string, and so against PEP 3333 under this name.
        environ["eventlet.headers_raw"] = environ.pop("headers_raw")
        environ["SERVER_PROTOCOL"] = self.request_version
        environ.setdefault("QUERY_STRING", "")
        if "content-type" not in self.headers:
            del environ["CONTENT_TYPE"]
        if not isinstance(self.client_address, tuple):
            environ["REMOTE_ADDR"] = UNIX_REMOTE_ADDR
        return environ


class Door:
    """One listening socket and what answers on it."""

    def __init__(self, listener: Listener, app: Any, environ: dict[str, object]) -> None:
        sock = listener.sock
        self.is_queue_ours = listener.is_queue_ours
        family, kind, proto = sock.family, sock.type, sock.proto
        # Python's own, whatever was patched: it is waited for by the hub.
        self.sock = _socket.socket(family, kind, proto, fileno=os.dup(sock.fileno()))
        sock.close()
        self.server = wsgi.Server(
            self.sock, self.sock.getsockname(), app, environ=environ, protocol=Protocol, keepalive=KEEPALIVE_S,
            log_output=False, debug=False, socket_timeout=STALL_S, log_x_forwarded_for=False,
        )  # fmt: skip
        self.server.log = ErrorLog()

    def accept(self) -> tuple[Any, Any] | None:
        """(green socket, peer) of a connection that waits; None where another process was faster."""
        try:
            fd, peer = self.sock._accept()  # type: ignore[attr-defined]
        except OSError as error:
            if error.errno not in SHORTAGES:
                return None
            log.warning("cannot accept: %s; trying again in %g s", error.strerror, SHORTAGE_S)
            eventlet.sleep(SHORTAGE_S)
            return None
        green = greenio.GreenSocket(self.sock.family, self.sock.type, self.sock.proto, fileno=fd)
        green.settimeout(STALL_S)
        return green, peer


class Servers:
    """All listeners, one pool of connections, one stop. A connection is [peer, socket, state], as eventlet has it."""

    def __init__(
        self,
        app: Any,
        listeners: Sequence[Listener],
        environs: Sequence[dict[str, object]],
        spawn: int | None,
        server_header: str,
    ) -> None:
        self._pool = eventlet.GreenPool(spawn or MOST_CONNECTIONS)
        app = mended(app, server_header)
        self._doors = [Door(listener, app, environ) for listener, environ in zip(listeners, environs, strict=True)]
        self._open: dict[int, list[Any]] = {}

    def run(self, lifecycle: Lifecycle, status: str) -> None:
        """Serve, wait for the stop, drain, return."""
        with waker() as (wake_in, wake_out):
            acceptors = [eventlet.spawn(self._keep_accepting, door, lifecycle) for door in self._doors]
            eventlet.sleep(0)
            lifecycle.ready(lambda: wake(wake_out), self.in_flight, status)
            while not lifecycle.should_stop:
                wait_readable(wake_in, lifecycle.beat_due_in_s())
                lifecycle.beat_if_due()
            for acceptor in acceptors:
                acceptor.kill()
            self._stop_accepting(lifecycle)
            self._drain(lifecycle)

    def in_flight(self) -> int:
        """Connections with a request that is not answered."""
        return sum(connection[2] != wsgi.STATE_IDLE for connection in list(self._open.values()))

    def _keep_accepting(self, door: Door, lifecycle: Lifecycle) -> None:
        while True:
            hubs.trampoline(door.sock.fileno(), read=True)
            if self._pool.free() <= 0:
                # Left for a worker that has room.
                eventlet.sleep(DRAIN_ROUND_S)
                continue
            self._take(door, lifecycle)

    def _take(self, door: Door, lifecycle: Lifecycle) -> bool:
        """Accept one connection and serve it; False where there was none."""
        accepted = door.accept()
        if accepted is None:
            return False
        lifecycle.accepted()
        sock, peer = accepted
        connection = [peer, sock, wsgi.STATE_IDLE]
        self._open[id(connection)] = connection
        self._pool.spawn_n(self._serve, door, connection)
        return True

    def _serve(self, door: Door, connection: list[Any]) -> None:
        try:
            door.server.process_request(connection)
        except OSError as error:
            log.debug("connection: %s", error)
        except Exception:
            log.exception("while serving a connection")
        finally:
            del self._open[id(connection)]
            connection[1].close()

    def _stop_accepting(self, lifecycle: Lifecycle) -> None:
        """Close the listeners, after taking what waits in the accept queue of a socket that only we serve."""
        for door in self._doors:
            # From here on each response says close.
            door.server.keepalive = False
            if door.is_queue_ours:
                for _ in range(MOST_QUEUED):
                    if not self._take(door, lifecycle):
                        break
            door.sock.close()

    def _drain(self, lifecycle: Lifecycle) -> None:
        """Wait for the busy connections; let the idle ones go once they have had their time."""
        while self._open:
            if not lifecycle.drain_left_s():
                for connection in list(self._open.values()):
                    if connection[2] == wsgi.STATE_IDLE:
                        end_reading(connection[1].fileno())
            eventlet.sleep(DRAIN_ROUND_S)
            lifecycle.beat_if_due()


@contextlib.contextmanager
def waker() -> Iterator[tuple[int, int]]:
    """A pipe that each signal writes to, so that the hub's wait ends and Python's handler runs."""
    wake_in, wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(wake_out, warn_on_full_buffer=False)
    try:
        yield wake_in, wake_out
    finally:
        signal.set_wakeup_fd(before)
        os.close(wake_in)
        os.close(wake_out)


def wake(wake_out: int) -> None:
    """End the wait; safe in a signal handler."""
    with contextlib.suppress(OSError):
        posix.write(wake_out, b"\0")


def wait_readable(fd: int, timeout_s: float | None) -> None:
    """Let others run until something is written to the pipe, or the time is over."""
    with contextlib.suppress(TimeoutError):
        hubs.trampoline(fd, read=True, timeout=timeout_s, timeout_exc=TimeoutError)
    with contextlib.suppress(OSError):
        posix.read(fd, 4096)
