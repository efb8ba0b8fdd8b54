"""The accept loop of the wsgiref backend: waits for connections, for their first byte, and for the word to stop.

A connection that says nothing (a browser opens some in advance) costs an fd and holds up no one.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Sequence

from chaussette.backends.wsgiref_crew import Connection, Crew
from chaussette.environ import UNIX_REMOTE_ADDR
from chaussette.lifecycle import Lifecycle
from chaussette.sockets import Listener

# How long a connection may stay silent before its first byte; the same for every later read and write.
STALL_S = 120.0
# Silent connections cost an fd each: at this many the loop stops accepting until some speak or go.
MAX_SILENT = 1000
# More would take connections that an idle worker on the same socket should have.
ACCEPTS_A_ROUND = 1


class AcceptLoop:
    """Hands connections to a crew until the lifecycle says stop, then until none is left."""

    def __init__(self, listeners: Sequence[Listener], crew: Crew, lifecycle: Lifecycle) -> None:
        self._listeners = listeners
        self._crew = crew
        self._lifecycle = lifecycle
        self._silent: dict[Connection, float] = {}
        self._is_accepting = False
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
            self._set_accepting(self._crew.has_room and len(self._silent) < MAX_SILENT)
            self._round(self._pause_s())
        self._set_accepting(False)
        self._take_own_queue()
        while self._silent and self._lifecycle.drain_left_s():
            self._round(self._lifecycle.drain_left_s())
        self._round(0)
        while self._crew.busy:
            self._round(None)

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
            elif isinstance(key.data, Connection):
                self._forget(key.data)
                self._crew.take(key.data, self.wake)
            elif not self._lifecycle.should_stop:
                self._accept(key.data, ACCEPTS_A_ROUND)
        self._lifecycle.beat_if_due()
        self._close_stalled()

    def _pause_s(self) -> float | None:
        """Until the next beat or the next stalled connection, else without end."""
        waits = [self._lifecycle.beat_due_in_s()]
        if self._silent:
            waits.append(max(0.0, min(self._silent.values()) - time.monotonic()))
        return min((wait for wait in waits if wait is not None), default=None)

    def _drain_wakes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_in, 4096)

    def _accept(self, index: int, most: int) -> None:
        """Accept up to `most` connections. Another process may have been faster: that is no error."""
        for _ in range(most):
            try:
                sock, name = self._listeners[index].sock.accept()
            except OSError:
                return
            peer = name[:2] if isinstance(name, tuple) else (UNIX_REMOTE_ADDR, 0)
            self._watch(Connection(sock, peer, index))

    def _watch(self, connection: Connection) -> None:
        self._silent[connection] = time.monotonic() + STALL_S
        self._selector.register(connection.sock, selectors.EVENT_READ, connection)

    def _forget(self, connection: Connection) -> None:
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
