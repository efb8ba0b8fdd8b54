"""The receiving side of sd_notify: a datagram socket whose messages carry their sender's pid, checked by the kernel."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

# struct ucred of linux/socket.h: pid, uid, gid.
_CREDENTIALS = struct.Struct("3i")
# systemd's own limit for one message.
_MAX_MESSAGE = 4096
# What one wake-up reads at most, so that a chatty sender cannot hold the loop.
_MAX_BATCH = 64


class NotifySocket:
    """Calls `on_message(pid, {"READY": "1", ...})` in the loop for each datagram. `resumed`: the descriptors, `fd` and
    `path_fd`, of one that was bound before, at the same path."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        path: Path,
        on_message: Callable[[int, Mapping[str, str]], None],
        resumed: tuple[int, int] | None = None,
    ) -> None:
        self.path = path
        self._loop = loop
        self._on_message = on_message
        if resumed is None:
            self._socket = _bound(path)
            self.path_fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
        else:
            # What has been said meanwhile waits in it.
            self._socket, self.path_fd = socket.socket(fileno=resumed[0]), resumed[1]
        loop.add_reader(self._socket, self.drain)

    @property
    def fd(self) -> int:
        """The socket."""
        return self._socket.fileno()

    def drain(self) -> None:
        """Hand on what has been said by now; before a process is reaped, so that its last word comes before its end."""
        for _ in range(_MAX_BATCH):
            try:
                data, ancillary, flags, _ = self._socket.recvmsg(
                    _MAX_MESSAGE, socket.CMSG_SPACE(_CREDENTIALS.size), socket.MSG_DONTWAIT
                )
            except BlockingIOError:
                return
            pid = _sender(ancillary)
            if pid is not None and not flags & socket.MSG_TRUNC:
                self._on_message(pid, _fields(data))

    def close(self) -> None:
        """Stop to listen and remove the socket's file."""
        self._loop.remove_reader(self._socket)
        self._socket.close()
        os.close(self.path_fd)
        self.path.unlink(missing_ok=True)


def _bound(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    bound.bind(str(path))
    # Whoever may reach the socket may write to it; the directory around it, or holding `path_fd`, decides who may.
    path.chmod(0o666)
    return bound


def _sender(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS and len(data) >= _CREDENTIALS.size:
            pid: int = _CREDENTIALS.unpack_from(data)[0]
            return pid or None
    return None


def _fields(data: bytes) -> dict[str, str]:
    lines = (line.partition("=") for line in data.decode(errors="replace").splitlines())
    return {name: value for name, equals, value in lines if equals}
