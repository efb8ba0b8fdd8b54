"""Accepts on the listeners of one worker, and drains at the end."""

from __future__ import annotations

import _socket
import logging
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Any

import gevent
from gevent import event

from chaussette.backends.fastgevent.connection import Connection
from chaussette.backends.fastgevent.crew import Crew
from chaussette.backends.fastgevent.dates import Dates
from chaussette.backends.fastgevent.deadlines import Deadlines
from chaussette.backends.fastgevent.known import Known
from chaussette.backends.fastgevent.limits import Limits
from chaussette.backends.gevent_exclusive import SILENCE_S, ExclusiveWatch
from chaussette.backends.gevent_seat import Seat, seat
from chaussette.backends.gevent_signals import woken_by_signals
from chaussette.backends.shortage import SHORTAGE_S, SHORTAGES, Reserve
from chaussette.environ import UNIX_REMOTE_ADDR
from chaussette.lifecycle import Lifecycle
from chaussette.sockets import Listener

if TYPE_CHECKING:
    from chaussette.backends.fastgevent.tls import Handshake
    from chaussette.tls import Certificates

log = logging.getLogger("chaussette")

# Accepted in one turn of the hub: with more, those that were accepted would wait.
_ACCEPTED = 64
# libev's flag for "tell me when there is something to read".
_READ = 1
_MOST_QUEUED = 4096


class Door:
    """One listening socket. `enter(socket, peer)` gets what was accepted; `watch`: others accept on it, too."""

    def __init__(
        self,
        listener: Listener,
        hub: Any,
        enter: Callable[[_socket.socket, Any], bool],
        watch: ExclusiveWatch | None = None,
    ) -> None:
        self._listener = listener
        self._hub = hub
        self._enter = enter
        sock = listener.sock
        # Python's own, whatever was patched: it is waited for by the hub, and never by a greenlet.
        self._sock = _socket.socket(sock.family, sock.type, sock.proto, fileno=sock.fileno())
        # Before all else that the hub has to do: nobody else was woken for it.
        self._io = hub.loop.io(sock.fileno(), _READ, priority=hub.loop.MAXPRI)
        self.watch = watch
        # The next one shall wake somebody who has less to do.
        self._most = _ACCEPTED if watch is None else 1
        self._reserve = None if watch is None else Reserve(self._sock)
        self._pause: Any = None

    def open(self) -> None:
        """Accept from now on."""
        self._io.start(self._on_readable)
        if self.watch is not None:
            self.watch.settle()

    def hold(self) -> None:
        """Accept no more for now."""
        if self.watch is not None:
            self.watch.end()
        self._io.stop()

    def go_last(self) -> None:
        """Let others have the next connections."""
        if self.watch is not None:
            self.watch.go_last()

    def go_behind(self) -> None:
        """Let others who watch, too, have the next connection."""
        if self.watch is not None:
            self.watch.go_behind()

    def _on_readable(self) -> None:
        if self.watch is not None:
            self.watch.taken()
        self._accept(self._most)

    def _accept(self, most: int) -> None:
        for _ in range(most):
            try:
                fd, peer = self._sock._accept()  # type: ignore[attr-defined]
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in SHORTAGES:
                    self._wait_out(error)
                    return
                # It was reset while it waited in the queue: the next one may be whole.
                continue
            sock = _socket.socket(self._sock.family, self._sock.type, self._sock.proto, fileno=fd)
            sock.setblocking(False)
            if not self._enter(sock, peer):
                return

    def _wait_out(self, error: OSError) -> None:
        log.warning("cannot accept: %s; trying again in %g s", error.strerror, SHORTAGE_S)
        self.hold()
        if self._reserve is not None:
            # Nobody else was woken for what is left in the queue.
            self._reserve.wake_another()
        self._rest()

    def _rest(self) -> None:
        if self._pause is not None:
            self._pause.stop()
            self._pause.close()
        self._pause = self._hub.loop.timer(SHORTAGE_S)
        self._pause.start(self._try_again)

    def _try_again(self) -> None:
        if self._reserve is not None and self._reserve.is_short():
            # To watch is to be woken in the place of somebody who could.
            self._rest()
        else:
            self.open()

    def close(self) -> None:
        """Accept no more; what waits in a queue that only we serve is taken first, and of a shared one what we were
        woken for: nobody else was. The rest is for those who stay, who are told of it or will look."""
        if self.watch is not None:
            self.watch.end()
        if self._listener.is_queue_ours:
            self._accept(_MOST_QUEUED)
        elif self.watch is not None:
            self._accept(self._most)
        for watcher in (self._io, self._pause):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        if self._reserve is not None:
            self._reserve.close()
        self._sock.detach()
        self._listener.sock.close()


class Server:
    """What the connections of one worker share; a `Yard`."""

    def __init__(
        self,
        app: Callable[..., Any],
        listeners: Sequence[Listener],
        environs: Sequence[dict[str, object]],
        *,
        limits: Limits,
        most: int | None,
        server_header: str,
        watch: Callable[[Any, Listener], ExclusiveWatch | None] = lambda _hub, _listener: None,
        certificates: Certificates | None = None,
        accepted: Callable[[], None],
    ) -> None:
        self.app = app
        self._accepted = accepted
        self._certificates = certificates
        self._seat: Seat | None = None
        self.limits = limits
        self.dates = Dates(server_header)
        self.hub = gevent.get_hub()
        self.now = self.hub.loop.now
        self.is_stopping = False
        self.is_ending = False
        self.begin = Crew(self.hub).begin
        self._most = most
        self._deadlines = Deadlines(self.hub, min(limits.head_s, limits.idle_s))
        self.watch = self._deadlines.watch
        self._doors = [
            Door(listener, self.hub, self._entrance(Known(environ, limits.target)), watch(self.hub, listener))
            for listener, environ in zip(listeners, environs, strict=True)
        ]
        self._is_full = False
        # One that said nothing when it was accepted, as long as it is open, and when that was.
        self._silent: tuple[Connection | None, float] = (None, 0.0)
        self._emptied = event.Event()

    def _entrance(self, known: Known) -> Callable[[_socket.socket, Any], bool]:
        def enter(sock: _socket.socket, peer: Any) -> bool:
            """Whether there is room for another one."""
            self._accepted()
            address, port = (peer[0], str(peer[1])) if isinstance(peer, tuple) else (UNIX_REMOTE_ADDR, "")
            self._receive(sock, known, {"REMOTE_ADDR": address, "REMOTE_PORT": port})
            if self._has_room() or self.is_stopping:
                return True
            self._is_full = True
            for door in self._doors:
                door.hold()
            return False

        return enter

    def _has_room(self) -> bool:
        return self._most is None or len(self._deadlines) < self._most

    def kept(self) -> None:
        """A connection has had its first response, and stays."""
        for door in self._doors:
            door.go_last()

    def _receive(self, sock: _socket.socket, known: Known, own: dict[str, object]) -> None:
        """Begin with the first request, or with the handshake before it."""
        if self._certificates is None:
            connection = Connection(self, sock, known, own)
            connection.look()
            if connection.is_idle:
                self._make_way(connection)
            return
        from chaussette.backends.fastgevent.tls import Handshake, TlsSocket

        wrapped = TlsSocket(sock, self._certificates.context)
        Handshake(self, wrapped, lambda tls: Connection(self, tls, known, {**own, **tls.environ()}).look())
        for door in self._doors:
            door.go_last()

    def _make_way(self, connection: Connection) -> None:
        """One that says nothing yet is ours all the same, and may make us busy at the moment that another one comes:
        that one is for others who watch. Whoever has one that has been silent for long gives up his seat, so that no
        few get all of that kind."""
        (before, since), now = self._silent, monotonic()
        is_long = before is not None and before.is_idle and now - since > SILENCE_S
        if is_long or before is None or not before.is_idle:
            self._silent = connection, now
        for door in self._doors:
            if is_long:
                door.go_last()
            else:
                door.go_behind()

    def forget(self, connection: Connection | Handshake) -> None:
        """It is closed."""
        if connection is self._silent[0]:
            self._silent = None, 0.0
        self._deadlines.forget(connection)
        if self._is_full and self._has_room() and not self.is_stopping:
            self._is_full = False
            for door in self._doors:
                door.open()
        if self.is_stopping and not len(self._deadlines):
            self._emptied.set()

    def run(self, lifecycle: Lifecycle, status: str) -> None:
        """Serve, wait for the stop, drain, return."""
        for door in self._doors:
            door.open()
        self._seat = seat(self.hub, lifecycle.gate, [door.watch for door in self._doors])
        stop = event.Event()
        # The only thing that may be touched in a signal handler: it may run in the hub.
        waker = self.hub.loop.async_()
        waker.start(stop.set)
        try:
            with woken_by_signals():
                lifecycle.ready(waker.send, self.in_flight, status)
                while not stop.wait(lifecycle.beat_due_in_s()):
                    lifecycle.beat_if_due()
                    if self._seat is not None:
                        self._seat.look()
                self._drain(lifecycle)
        finally:
            waker.stop()
            waker.close()
            self._deadlines.close()

    def in_flight(self) -> int:
        """Connections with a request that is not answered."""
        return sum(not connection.is_idle for connection in self._deadlines.all())

    def _drain(self, lifecycle: Lifecycle) -> None:
        """Wait for the busy connections; let the idle ones go once they have had their time."""
        self.is_stopping = True
        for door in self._doors:
            door.close()
        if self._seat is not None:
            self._seat.close()
        if not self._is_emptied(lifecycle.drain_left_s()):
            # Those that become idle from here on end by themselves.
            self.is_ending = True
            for connection in self._deadlines.all():
                if connection.is_idle:
                    connection.end_reading()
                else:
                    connection.go_away()
            while not self._is_emptied(lifecycle.beat_due_in_s()):
                lifecycle.beat_if_due()

    def _is_emptied(self, seconds: float | None) -> bool:
        """Whether no connection is left, be it after so many seconds."""
        self._emptied.clear()
        if len(self._deadlines):
            self._emptied.wait(seconds)
        return not len(self._deadlines)
