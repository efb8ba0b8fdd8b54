"""The address at which libzmq itself listens: without a name in the file system, for this process alone."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import tempfile
import uuid
from pathlib import Path
from typing import Any

import zmq

from circus_stack.errors import SocketError

# libzmq's own thread takes a connection within microseconds, and says its greeting at once.
_TAKEN_MS = 100
# So many descriptors must be free for libzmq to take one: without any, its ipc listener aborts the whole process.
_SPARE = 16
# Who connects and says nothing that ZeroMQ understands is disconnected; libzmq's own default is three times that.
_HANDSHAKE_MS = 10_000


class InnerEndpoint:
    """Binds `zmq_socket`; what was set of it before counts here."""

    def __init__(self, zmq_socket: zmq.Socket[Any]) -> None:
        zmq_socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
        try:
            self._path_fd = _bind(zmq_socket)
        except (OSError, zmq.ZMQError) as error:
            raise SocketError(f"cannot make a socket in a directory of its own (TMPDIR): {error.strerror}") from None

    def connect(self) -> tuple[socket.socket, bool]:
        """A connection, and whether libzmq has taken it; else it can be read from once it is taken, and until then
        nobody should open another. Blocks for some microseconds, a tenth of a second at most: in this time nothing
        else of the loop can open what libzmq needs. Raises OSError, where descriptors are short."""
        inner = socket.socket(socket.AF_UNIX)
        try:
            _check_spare(inner.fileno())
            # Each has a name of its own by this, by which libzmq's end can be told from the others.
            inner.bind("")
            inner.setblocking(False)
            inner.connect(f"/proc/self/fd/{self._path_fd}")
        except BaseException:
            inner.close()
            raise
        taken = select.poll()
        taken.register(inner, select.POLLIN)
        return inner, bool(taken.poll(_TAKEN_MS))

    def close(self) -> None:
        """No more connections. Safe to call twice."""
        if self._path_fd >= 0:
            os.close(self._path_fd)
            self._path_fd = -1


def _bind(zmq_socket: zmq.Socket[Any]) -> int:
    """The descriptor of the socket's file, whose name is gone by then: a path that leads through it still connects."""
    directory = tempfile.mkdtemp(prefix="circus-")
    directory_fd = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    # libzmq takes the file away at its end, by this name: no other may ever be there.
    path = f"/proc/self/fd/{directory_fd}/{uuid.uuid4().hex}"
    try:
        zmq_socket.bind(f"ipc://{path}")
        path_fd = os.open(path, os.O_PATH | os.O_NOFOLLOW)
        Path(path).unlink()
        return path_fd
    finally:
        os.close(directory_fd)
        with contextlib.suppress(OSError):
            Path(directory).rmdir()


def _check_spare(fd: int) -> None:
    spare: list[int] = []
    try:
        for _ in range(_SPARE):
            spare.append(os.dup(fd))
    finally:
        for each in spare:
            os.close(each)
