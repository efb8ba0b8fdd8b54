"""The accept loop of the wsgiref backend: waits for connections, for their first byte, and for the word to stop.

A connection that says nothing (a browser opens some in advance) costs an fd and holds up no one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import selectors
import signal
import ssl
import time
from collections.abc import Sequence

from chaussette.backends.shortage import SHORTAGE_S, SHORTAGES
from chaussette.backends.wsgiref_crew import Connection, Crew
from chaussette.backends.wsgiref_handshake import Handshake
from chaussette.environ import UNIX_REMOTE_ADDR
from chaussette.lifecycle import Lifecycle
from chaussette.sockets import Listener
from chaussette.tls import Certificates

log = logging.getLogger("chaussette.wsgiref")

# How long a connection may stay silent before its first byte; the same for every later read and write.
STALL_S = 120.0
# Silent connections cost an fd each: at this many the loop stops accepting until some speak or go.
MAX_SILENT = 1000
# More would take connections that an idle worker on the same socket should have.
ACCEPTS_A_ROUND = 1


class AcceptLoop:
    """Hands connections to a crew until the lifecycle says stop, then until none is left; where there are certificates,
    after a handshake."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        crew: Crew,
        lifecycle: Lifecycle,
        certificates: Certificates | None = None,
    ) -> None:
        self._certificates = certificates
        self._listeners = listeners
        self._crew = crew
        self._lifecycle = lifecycle
        # Until when each may stay silent.
        self._silent: dict[Connection | Handshake, float] = {}
        self._is_accepting = False
        # There were no descriptors or no memory: to ask again at once would be to ask without end.
        self._short_until = 0.0
        self._selector = selectors.DefaultSelector()
        self._wake_in, self._wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._selector.register(self._wake_in, selectors.EVENT_READ)

    def wake(self) -> None:
        """End the current wait; safe in a signal handler and in any thread."""
        with contextlib.suppress(OSError):
            os.write(self._wake_out, b"\0")

    def in_flight(self) -> int:
        """Connections whose request has begun to arrive and is not answered."""
        return self._crew.busy

    def run(self) -> None:
        """Serve, drain, return."""
        # A signal that comes just before the wait, or to another thread, would be seen only after it.
        signal.set_wakeup_fd(self._wake_out, warn_on_full_buffer=False)
        while not self._lifecycle.should_stop:
            self._set_accepting(self._has_room())
            self._round(self._pause_s())
        self._set_accepting(False)
        self._take_own_queue()
        while self._silent and self._lifecycle.drain_left_s():
            self._round(self._lifecycle.drain_left_s())
        self._round(0)
        while self._crew.busy:
            self._round(None)

    def _has_room(self) -> bool:
        is_short = self._short_until > time.monotonic()
        return self._crew.has_room and len(self._silent) < MAX_SILENT and not is_short

    def close(self) -> None:
        """Give back the selector, the pipe and the connections that never spoke."""
        for connection in list(self._silent):
            self._forget(connection)
            connection.sock.close()
        self._selector.close()
        signal.set_wakeup_fd(-1)
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _round(self, timeout_s: float | None) -> None:
        """Wait once, then act on all that is ready."""
        for key, _ in self._selector.select(timeout_s):
            if key.data is None:
                self._drain_wakes()
            elif isinstance(key.data, Handshake):
                self._forget(key.data)
                self._go_on(key.data)
            elif isinstance(key.data, Connection):
                self._forget(key.data)
                self._has_spoken(key.data)
            elif not self._lifecycle.should_stop:
                self._accept(key.data, ACCEPTS_A_ROUND)
        self._lifecycle.beat_if_due()
        self._close_stalled()

    def _pause_s(self) -> float | None:
        """Until the next beat, the next stalled connection or the end of a shortage, else without end."""
        now = time.monotonic()
        waits = [self._lifecycle.beat_due_in_s(), self._short_until - now if self._short_until > now else None]
        if self._silent:
            waits.append(max(0.0, min(self._silent.values()) - now))
        return min((wait for wait in waits if wait is not None), default=None)

    def _drain_wakes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_in, 4096)

    def _accept(self, index: int, most: int) -> None:
        """Accept up to `most` connections. Another process may have been faster: that is no error."""
        for _ in range(most):
            try:
                sock, name = self._listeners[index].sock.accept()
            except OSError as error:
                if error.errno in SHORTAGES:
                    log.warning("cannot accept: %s; trying again in %g s", error.strerror, SHORTAGE_S)
                    self._short_until = time.monotonic() + SHORTAGE_S
                return
            peer = name[:2] if isinstance(name, tuple) else (UNIX_REMOTE_ADDR, 0)
            self._lifecycle.accepted()
            self._watch(Connection(sock, peer, index))

    def _watch(self, connection: Connection) -> None:
        self._expect(connection, selectors.EVENT_READ, time.monotonic() + STALL_S)

    def _has_spoken(self, connection: Connection) -> None:
        """Its first byte is in, or the first one after its handshake."""
        if self._certificates is None or isinstance(connection.sock, ssl.SSLSocket):
            self._crew.take(connection, self.wake)
            return
        try:
            handshake = Handshake(connection, self._certificates.context)
        except OSError as error:
            log.debug("TLS handshake: %s", error)
        else:
            self._go_on(handshake)

    def _go_on(self, handshake: Handshake) -> None:
        """What has begun within its time goes on here, step by step: one that stops half way holds up no one."""
        try:
            events = handshake.step()
        except OSError as error:
            # Plain HTTP, an old protocol, no certificate, a port scan.
            log.debug("TLS handshake: %s", error)
            handshake.sock.close()
            return
        if events:
            self._expect(handshake, events, handshake.until)
        else:
            self._expect(handshake.connection(), selectors.EVENT_READ, time.monotonic() + STALL_S)

    def _expect(self, silent: Connection | Handshake, events: int, until: float) -> None:
        self._silent[silent] = until
        self._selector.register(silent.sock, events, silent)

    def _forget(self, connection: Connection | Handshake) -> None:
        del self._silent[connection]
        self._selector.unregister(connection.sock)

    def _close_stalled(self) -> None:
        now = time.monotonic()
        for connection in [each for each, until in self._silent.items() if until <= now]:
            self._forget(connection)
            connection.sock.close()

    def _set_accepting(self, wanted: bool) -> None:
        if wanted == self._is_accepting:
            return
        self._is_accepting = wanted
        for index, listener in enumerate(self._listeners):
            if wanted:
                self._selector.register(listener.sock, selectors.EVENT_READ, index)
            else:
                self._selector.unregister(listener.sock)

    def _take_own_queue(self) -> None:
        """What waits in the accept queue of a socket that only we serve would be reset: take it.

        Then close every listener, so that a shared socket lives on with those who still serve it.
        """
        for index, listener in enumerate(self._listeners):
            if listener.is_queue_ours:
                self._accept(index, MAX_SILENT)
            listener.sock.close()
