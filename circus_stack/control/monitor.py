"""Sees which connections libzmq itself has cut: it tells neither whose nor why, and only here is it noticed.

libzmq cuts a connection for a message over MAXMSGSIZE, and for bytes that are none of its protocol. Its monitor tells
the descriptor of each connection that begins; a duplicate of it, kept until the end, shows at the end whether the
other side was still there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import uuid
from collections.abc import Callable
from typing import Any

import zmq
from zmq.utils.monitor import parse_monitor_message

from circus_stack.control.readable import ReadableSocket

# What a process may have open is bounded; a connection beyond this many is not watched.
_MAX_WATCHED = 256
# By then libzmq has closed what it is about to close.
_CLOSED_S = 0.05


class ConnectionMonitor:
    """Watches the connections of one socket, before it is bound. `on_cut` is called in the loop for each that was
    cut on our side."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: zmq.Context[Any],
        watched: zmq.Socket[Any],
        on_cut: Callable[[], None],
    ) -> None:
        self._watched = watched
        self._on_cut = on_cut
        self._loop = loop
        self._copies: dict[int, socket.socket] = {}
        self._ended: dict[socket.socket, asyncio.TimerHandle] = {}
        address = f"inproc://monitor-{uuid.uuid4().hex}"
        watched.monitor(address, zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)
        pair = context.socket(zmq.PAIR)
        # With a limit a crowd of clients would stop libzmq's own thread, and with it every other socket.
        pair.setsockopt(zmq.RCVHWM, 0)
        pair.connect(address)
        self._readable = ReadableSocket(loop, pair, self._read_one)

    def _read_one(self) -> None:
        message = parse_monitor_message(self._readable.socket.recv_multipart(zmq.NOBLOCK))
        fd = int(message["value"])
        if message["event"] == zmq.EVENT_ACCEPTED:
            self._begin(fd)
        elif message["event"] == zmq.EVENT_DISCONNECTED:
            self._end(fd)

    def _begin(self, fd: int) -> None:
        self._forget(fd)
        if len(self._copies) + len(self._ended) >= _MAX_WATCHED:
            return
        # It may be closed again by now, or be another connection, or no socket at all: `_judge` sees that.
        with contextlib.suppress(OSError):
            self._copies[fd] = _copy_of(fd)

    def _end(self, fd: int) -> None:
        """libzmq tells it before it closes the descriptor: only a little later can be seen what has ended."""
        copy = self._copies.pop(fd, None)
        if copy is not None:
            self._ended[copy] = self._loop.call_later(_CLOSED_S, self._judge, fd, copy)

    def _judge(self, fd: int, copy: socket.socket) -> None:
        del self._ended[copy]
        with contextlib.closing(copy):
            # If the descriptor is this very connection, the one that ended was another, before it.
            if not _is_same(fd, copy) and _was_cut_here(copy):
                self._on_cut()

    def _forget(self, fd: int) -> None:
        copy = self._copies.pop(fd, None)
        if copy is not None:
            copy.close()

    def close(self) -> None:
        """Watch no longer. Safe to call twice; to be called before the watched socket is closed."""
        if self._readable.is_closed:
            return
        self._watched.disable_monitor()
        self._readable.close(0)
        for fd in tuple(self._copies):
            self._forget(fd)
        for copy, timer in self._ended.items():
            timer.cancel()
            copy.close()
        self._ended.clear()


def _copy_of(fd: int) -> socket.socket:
    copy = os.dup(fd)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _is_same(fd: int, copy: socket.socket) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.fstat(copy.fileno()))
    except OSError:
        return False


def _was_cut_here(copy: socket.socket) -> bool:
    """Whether the other side still holds the connection, or had sent what nobody has read."""
    poll = select.poll()
    poll.register(copy, select.POLLIN | select.POLLRDHUP)
    events = dict(poll.poll(0)).get(copy.fileno(), 0)
    if not events & (select.POLLRDHUP | select.POLLHUP | select.POLLERR):
        return True
    try:
        return bool(copy.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    except OSError:
        return False
