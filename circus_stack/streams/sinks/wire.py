"""A socket to a log server that may go away and come back: connects, sends whole messages, tries again."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

# How long the first failure after a success is tried again: a server that is restarted is back within that. After it,
# each batch is tried once, so that a server that stays away costs lines and holds nobody up.
PATIENCE_S = 5.0
PAUSE_S = 0.1
CONNECT_TIMEOUT_S = 5.0


class WireAddress(Struct, frozen=True):
    """`kind` is unix, udp or tcp; `path` is the unix socket's, `host` and `port` the others'."""

    kind: str
    path: str = ""
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        if self.kind == "unix":
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}:{self.port}"


class Wire:
    """Lives in a lane's thread. `send` blocks while the server does not read: that is back-pressure."""

    def __init__(
        self,
        address: WireAddress,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.address = address
        self._clock = clock
        self._sleep = sleep
        self._socket: socket.socket | None = None
        self._is_down = False

    @property
    def is_stream(self) -> bool:
        """Whether messages need marks between them. Known once there is a connection."""
        return self._socket is not None and self._socket.type == socket.SOCK_STREAM

    def connect(self) -> None:
        """See to it that there is a connection, as far as one can know; raises OSError once patience has run out."""
        if self._socket is not None and self._has_ended(self._socket):
            self.close()
        self._try(lambda: None)

    def send(self, data: bytes) -> None:
        """Send one message, on a new connection if the old one broke; raises OSError once patience has run out."""
        self._try(lambda: self._connected().sendall(data))

    def close(self) -> None:
        """Close the connection; a later message opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _try(self, act: Callable[[], object]) -> None:
        deadline = self._clock() + (0.0 if self._is_down else PATIENCE_S)
        while True:
            try:
                self._connected()
                act()
            except OSError as error:
                if error.errno == errno.EMSGSIZE:
                    raise  # No new connection would take it.
                self.close()
                if self._clock() >= deadline:
                    self._is_down = True
                    raise
                self._sleep(PAUSE_S)
            else:
                self._is_down = False
                return

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = _open(self.address)
        return self._socket

    @staticmethod
    def _has_ended(connection: socket.socket) -> bool:
        """Whether the other side of a stream has hung up: what is sent then would be lost without an error."""
        if connection.type != socket.SOCK_STREAM:
            return False
        with contextlib.suppress(BlockingIOError):
            try:
                return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
            except ConnectionError:
                return True
        return False


def _open(address: WireAddress) -> socket.socket:
    if address.kind == "unix":
        return _open_unix(address.path)
    if address.kind == "udp":
        family, _, _, _, target = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)[0]
        return _connect(socket.socket(family, socket.SOCK_DGRAM), target)
    connection = socket.create_connection((address.host, address.port), CONNECT_TIMEOUT_S)
    connection.settimeout(None)
    return connection


def _open_unix(path: str) -> socket.socket:
    """A datagram socket, as syslog daemons have; a stream where it is one."""
    try:
        return _connect(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), path)
    except OSError as error:
        if error.errno != errno.EPROTOTYPE:
            raise
    return _connect(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM), path)


def _connect(connection: socket.socket, target: Any) -> socket.socket:
    try:
        connection.connect(target)
    except BaseException:
        connection.close()
        raise
    return connection
