"""Lets clients in, to one ZeroMQ socket, as many as there is room for: who says nothing makes room for the next."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import zmq

from circus_stack.control.complaint import Complaint
from circus_stack.control.entrance.farewell import see_off
from circus_stack.control.entrance.inner import InnerEndpoint
from circus_stack.control.entrance.listening import listen
from circus_stack.control.entrance.passage import Passage
from circus_stack.control.guard import Guard, is_guarded
from circus_stack.control.socket_file import SocketFile

log = logging.getLogger(__name__)

# A client costs three descriptors, and a stack has three endpoints: all of them take half of what may be open, at most.
_DESCRIPTORS = 18
_LEAST, _MOST = 8, 512
# Who is let in within one turn of the loop, and the time for it. Then the door rests, for three times as long as that
# took: it has a quarter of the loop at most, and the guarded doors of a stack, for commands and for events, half.
_BATCH = 16
_VISIT_S = 0.002
_REST = 3
# Without descriptors, and nobody there who could make room: until somebody looks again.
_PAUSE_S = 0.25
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS)


def _ignore(_peer: str) -> None:
    """Nobody cares."""


class Entrance:
    """Binds `zmq_socket` behind itself. `endpoint` is the real address, `on_cut(peer)` is called for each client that
    libzmq has hung up on: for a message that was too long, or bytes that are none of its protocol.

    A `guard` stands before a TCP endpoint; then there is a private ipc address beside it, too. The file of an ipc
    endpoint is given to `owner`. Raises SocketError.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        zmq_socket: zmq.Socket[Any],
        endpoint: str,
        *,
        owner: str | None = None,
        guard: Guard | None = None,
        on_cut: Callable[[str], None] = _ignore,
    ) -> None:
        self._loop = loop
        self._on_cut = on_cut
        self._room = room_for_clients()
        self._passages: set[Passage] = set()
        self._complain = Complaint(time.monotonic, log.warning)
        self._doors: list[_Door] = []
        self._late: _Late | None = None
        try:
            if guard is not None and is_guarded(endpoint):
                # In this order: what is set for CURVE cannot be taken back, and counts for what is bound from then on.
                self._open(zmq_socket, guard.beside, None, has_keys=False)
                guard.stand_before(zmq_socket)
                self._open(zmq_socket, endpoint, owner, has_keys=True)
            else:
                self._open(zmq_socket, endpoint, owner, has_keys=False)
        except BaseException:
            self.close(0)
            raise
        self.endpoint = self._doors[-1].endpoint

    def _open(self, zmq_socket: zmq.Socket[Any], endpoint: str, owner: str | None, *, has_keys: bool) -> None:
        listener, real = listen(endpoint, owner, has_keys=has_keys)
        try:
            door = _Door(listener, real, InnerEndpoint(zmq_socket), has_keys)
        except BaseException:
            listener.close()
            raise
        self._doors.append(door)
        self._loop.add_reader(listener, self._visit, door)

    def _visit(self, door: _Door) -> None:
        began = time.monotonic()
        if self._accept(door, began + _VISIT_S):
            self._pause(door, (time.monotonic() - began) * _REST)
        else:
            self._pause(door, _PAUSE_S)

    def _accept(self, door: _Door, until: float) -> bool:
        """Let in who waits, until `until` (monotonic); False where nothing can be opened."""
        for _ in range(_BATCH):
            try:
                client, address = door.listener.accept()
            except BlockingIOError:
                return True
            except OSError as error:
                if error.errno in _NO_ROOM and not self._make_room():
                    return False
                continue
            self._let_in(door, client, str(address[0]) if isinstance(address, tuple) else "this machine")
            if self._late is not None or time.monotonic() >= until:
                return True
        return True

    def _let_in(self, door: _Door, client: socket.socket, peer: str) -> None:
        client.setblocking(False)
        if client.family != socket.AF_UNIX:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while len(self._passages) >= self._room:
            self._make_room()
        try:
            inner, is_taken = self._connect(door)
        except OSError as error:
            self._complain("%s: a client at %s is turned away: %s", door.endpoint, peer, error.strerror)
            client.close()
            return
        if is_taken:
            self._lead(door, client, inner, peer)
        else:
            self._wait_for(_Late(door, client, inner, peer))

    def _lead(self, door: _Door, client: socket.socket, inner: socket.socket, peer: str) -> None:
        passage = Passage(self._loop, client, inner, peer=peer, is_guarded=door.has_keys, on_end=self._ended)
        self._passages.add(passage)

    def _connect(self, door: _Door) -> tuple[socket.socket, bool]:
        while True:
            try:
                return door.inner.connect()
            except OSError as error:
                if error.errno not in _NO_ROOM or not self._make_room():
                    raise

    def _wait_for(self, late: _Late) -> None:
        """libzmq will take it some time, and aborts if there is no descriptor then: nobody else comes in before."""
        self._late = late
        self._complain("%s: libzmq is slow to take a client; no other is let in until it has", self.endpoint)
        for door in self._doors:
            self._loop.remove_reader(door.listener)
        self._loop.add_reader(late.inner, self._taken)

    def _taken(self) -> None:
        late, self._late = self._late, None
        if late is None:
            return
        self._loop.remove_reader(late.inner)
        self._lead(late.door, late.client, late.inner, late.peer)
        for door in self._doors:
            if door.resumption is None:
                self._resume(door)

    def _make_room(self) -> bool:
        """Hang up on one client: one of the network before one of this user's, a stranger before one who has said who
        it is, on one of the address that holds the most, and on the one of them that was silent longest. False where
        there is none."""
        some = [each for each in self._passages if each.is_guarded] or list(self._passages)
        found = [each for each in some if not each.is_through] or some
        if not found:
            return False
        held = Counter(each.peer for each in found)
        victim = min(found, key=lambda each: (-held[each.peer], each.heard_at))
        self._complain(
            "a client at %s was disconnected: there is room for %d clients at %s, others want to come in",
            victim.peer,
            self._room,
            self.endpoint,
        )
        victim.close()
        return True

    def _pause(self, door: _Door, seconds: float) -> None:
        """Who has come waits in the kernel's queue."""
        self._loop.remove_reader(door.listener)
        door.resumption = self._loop.call_later(seconds, self._resume, door)

    def _resume(self, door: _Door) -> None:
        door.resumption = None
        if self._late is None:
            self._loop.add_reader(door.listener, self._visit, door)

    def _ended(self, passage: Passage) -> None:
        self._passages.discard(passage)
        if passage.was_cut:
            self._on_cut(passage.peer)

    def close(self, linger_s: float) -> None:
        """Let nobody in any more; what libzmq still has to say, after its socket was closed, has `linger_s` seconds to
        go out. Blocks as long. Safe to call twice."""
        for door in self._doors:
            door.close(self._loop)
        self._doors.clear()
        if self._late is not None:
            self._loop.remove_reader(self._late.inner)
            self._late.close()
            self._late = None
        leaving = tuple(self._passages)
        see_off(leaving, time.monotonic() + linger_s)
        for passage in leaving:
            passage.close()


class _Door:
    """One address, and where it leads."""

    def __init__(self, listener: socket.socket, endpoint: str, inner: InnerEndpoint, has_keys: bool) -> None:
        self.listener = listener
        self.endpoint = endpoint
        self.inner = inner
        self.has_keys = has_keys
        self.resumption: asyncio.TimerHandle | None = None
        self._file = SocketFile(endpoint)

    def close(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.resumption is not None:
            self.resumption.cancel()
        with contextlib.suppress(OSError):
            loop.remove_reader(self.listener)
        self.listener.close()
        self._file.remove()
        self.inner.close()


class _Late:
    """A client whose connection libzmq hasn't taken yet."""

    def __init__(self, door: _Door, client: socket.socket, inner: socket.socket, peer: str) -> None:
        self.door = door
        self.client = client
        self.inner = inner
        self.peer = peer

    def close(self) -> None:
        self.client.close()
        self.inner.close()


def room_for_clients() -> int:
    """How many clients one endpoint has room for, by the number of files that may be open now."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else max(_LEAST, min(_MOST, soft // _DESCRIPTORS))
