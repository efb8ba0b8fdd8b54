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
from circus_stack.control.entrance.inner import InnerEndpoint
from circus_stack.control.entrance.listening import listen
from circus_stack.control.entrance.passage import Passage
from circus_stack.control.guard import Guard, is_guarded
from circus_stack.control.socket_file import SocketFile

log = logging.getLogger(__name__)

# A client costs three descriptors, and a stack has three endpoints: all of them take half of what may be open, at most.
_DESCRIPTORS = 18
_LEAST, _MOST = 8, 512
# Who is let in within one turn of the loop.
_BATCH = 16
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
        self._loop.add_reader(listener, self._accept, door)

    def _accept(self, door: _Door) -> None:
        for _ in range(_BATCH):
            try:
                client, address = door.listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _NO_ROOM and not self._make_room():
                    self._pause(door)
                    return
                continue
            self._let_in(door, client, str(address[0]) if isinstance(address, tuple) else "this machine")

    def _let_in(self, door: _Door, client: socket.socket, peer: str) -> None:
        client.setblocking(False)
        if client.family != socket.AF_UNIX:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while len(self._passages) >= self._room:
            self._make_room()
        inner = self._connect(door)
        if inner is None:
            self._complain("%s: a client at %s is turned away: no descriptors are left", door.endpoint, peer)
            client.close()
            return
        passage = Passage(self._loop, client, inner, peer=peer, is_guarded=door.has_keys, on_end=self._ended)
        self._passages.add(passage)

    def _connect(self, door: _Door) -> socket.socket | None:
        while True:
            try:
                return door.inner.connect()
            except OSError:
                if not self._make_room():
                    return None

    def _make_room(self) -> bool:
        """Hang up on one client: on a stranger before one who has said who it is, on one of the address that holds the
        most, and on the one of them that was silent longest. False where there is none."""
        found = [each for each in self._passages if not each.is_through] or list(self._passages)
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

    def _pause(self, door: _Door) -> None:
        """Who has come waits in the kernel's queue."""
        self._loop.remove_reader(door.listener)
        door.resumption = self._loop.call_later(_PAUSE_S, self._loop.add_reader, door.listener, self._accept, door)

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
        deadline = time.monotonic() + linger_s
        for passage in tuple(self._passages):
            passage.drain(deadline)
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


def room_for_clients() -> int:
    """How many clients one endpoint has room for, by the number of files that may be open now."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else max(_LEAST, min(_MOST, soft // _DESCRIPTORS))
