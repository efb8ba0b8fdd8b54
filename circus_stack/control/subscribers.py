"""Which connection of a publisher belongs to which key, so that a key that counts no more loses its subscriptions.

libzmq can disconnect nobody. But it tells the descriptor that a subscription came by, and a connection whose two
addresses are still the same is still the same connection: that one is shut down under libzmq, which takes it for a
client that left.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Collection
from typing import Any

import zmq
from msgspec import Struct

_USER = "User-Id"


class _Subscriber(Struct, frozen=True):
    key: str
    addresses: tuple[Any, Any]


class Subscribers:
    """Knows the keyed subscribers by descriptor: as many as there are descriptors, at most."""

    def __init__(self) -> None:
        self._found: dict[int, _Subscriber] = {}

    def note(self, frame: zmq.Frame) -> None:
        """A subscription came in."""
        try:
            key, fd = str(frame.get(_USER)), int(frame.get(zmq.SRCFD))
        except (zmq.ZMQError, ValueError):
            # It came by an endpoint without keys.
            return
        with contextlib.suppress(OSError), _copy_of(fd) as copy:
            self._found[fd] = _Subscriber(key, _addresses(copy))

    def hang_up(self, keys: Collection[str]) -> None:
        """End the connections of these keys."""
        for fd, subscriber in tuple(self._found.items()):
            if subscriber.key not in keys:
                continue
            del self._found[fd]
            with contextlib.suppress(OSError), _copy_of(fd) as copy:
                if _addresses(copy) == subscriber.addresses:
                    copy.shutdown(socket.SHUT_RDWR)


def _copy_of(fd: int) -> socket.socket:
    copy = os.dup(fd)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _addresses(connection: socket.socket) -> tuple[Any, Any]:
    return connection.getsockname(), connection.getpeername()
