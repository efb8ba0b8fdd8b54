"""The arbiter's end of the connection to its keeper of descriptors (`fd_keeper`), and the start of that program.

Everything that is said in the loop goes out without waiting: what the kernel doesn't take at once waits here, with
descriptors of its own. Only `take` and `dismiss` wait, before and after the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from circus_stack.system import fd_keeper
from circus_stack.system.fd_keeper import BATCH, CLAIM, END, FORGET, KEEP, PACKET, QUIT, SETTLE, TAKE
from circus_stack.system.spawn import Child, SpawnPlan, spawn

SOCKET_NAME = "keeper"
_CREDENTIALS = struct.Struct("3i")
_BACKLOG = 8
# A keeper has nothing else to do; a machine may be busy.
_TAKE_S = 10.0
_DISMISS_S = 2.0
# The kernel takes no more now: the buffer is full, or as many descriptors are on their way as this user may have.
_LATER = (errno.EAGAIN, errno.ETOOMANYREFS, errno.ENOBUFS)
# Nothing wakes us when others' descriptors have arrived.
_RETRY_S = 0.05


class FdKeeperLink:
    """One connection. `pid` is the keeper's."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.pid = pid
        self._socket = connection
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_lost: Callable[[], None] = lambda: None
        self._waiting: deque[tuple[bytes, tuple[int, ...]]] = deque()
        self._retry: asyncio.TimerHandle | None = None

    # -- before and after the loop ----------------------------------------------------------------------------

    def take(self) -> dict[str, int]:
        """All that is kept, by name: descriptors of ours, close-on-exec. Raises OSError, with none left open."""
        found: dict[str, int] = {}
        self._socket.settimeout(_TAKE_S)
        try:
            self._socket.send(TAKE)
            while True:
                message, fds, _flags, _address = socket.recv_fds(self._socket, PACKET, BATCH)
                names = message[1:].decode("ascii").split("\0")
                found.update(zip(names, fds, strict=False) if message[:1] == KEEP else ())
                if message == END:
                    break
                if not message:
                    raise ConnectionResetError(errno.ECONNRESET, "the keeper of descriptors has gone")
        except OSError:
            for fd in found.values():
                os.close(fd)
            raise
        finally:
            self._socket.setblocking(False)
        for fd in found.values():
            os.set_inheritable(fd, False)
        return found

    def dismiss(self) -> bool:
        """Have it close everything and end; whether it did. Blocks, a moment."""
        self._stop_watching()
        self._socket.settimeout(_DISMISS_S)
        try:
            self._socket.send(QUIT)
            # It says nothing: this is its end.
            return self._socket.recv(1) == b""
        except OSError:
            return False
        finally:
            self._socket.close()

    def close(self) -> None:
        """Let it be: it goes on for whoever comes next."""
        self._stop_watching()
        self._socket.close()

    # -- in the loop ------------------------------------------------------------------------------------------

    def watch(self, loop: asyncio.AbstractEventLoop, on_lost: Callable[[], None]) -> None:
        """From here on nothing waits; `on_lost()` is called once, where the keeper is gone."""
        self._loop, self._on_lost = loop, on_lost
        loop.add_reader(self._socket.fileno(), self._hear)
        if self._waiting:
            self._wait()

    def keep(self, fds: Mapping[str, int]) -> None:
        """Have it hold these, too."""
        items = list(fds.items())
        for begin in range(0, len(items), BATCH):
            batch = items[begin : begin + BATCH]
            self._say(KEEP + _joined([name for name, _fd in batch]), tuple(fd for _name, fd in batch))

    def forget(self, names: Collection[str]) -> None:
        """Have it close these."""
        every = list(names)
        for begin in range(0, len(every), BATCH):
            self._say(FORGET + _joined(every[begin : begin + BATCH]))

    def settle(self) -> None:
        """All was said that is to be kept."""
        self._say(SETTLE)

    @property
    def is_behind(self) -> bool:
        """Whether something waits to be said."""
        return bool(self._waiting)

    def claim(self, lock_fd: int) -> None:
        """Show it that the lock is ours: it hears nobody else."""
        self._say(CLAIM, (lock_fd,))

    def _say(self, message: bytes, fds: tuple[int, ...] = ()) -> None:
        if self._waiting or not self._send(message, fds):
            self._postpone(message, fds)

    def _postpone(self, message: bytes, fds: tuple[int, ...]) -> None:
        """Say it later, with duplicates: their owners may close them meanwhile."""
        kept: list[int] = []
        try:
            for fd in fds:
                kept.append(os.dup(fd))
        except OSError:
            # No number is left for it: what can't be kept is as if there were no keeper.
            _close_all(tuple(kept))
            return
        self._waiting.append((message, tuple(kept)))
        self._wait()

    def _send(self, message: bytes, fds: tuple[int, ...]) -> bool:
        """False where it has to be said later."""
        try:
            socket.send_fds(self._socket, [message], fds, socket.MSG_DONTWAIT)
        except OSError as error:
            if error.errno in _LATER:
                return False
            # It is gone, which the end of the connection tells.
        return True

    def _wait(self) -> None:
        if self._loop is not None and self._retry is None:
            self._retry = self._loop.call_later(_RETRY_S, self._send_waiting)

    def _send_waiting(self) -> None:
        self._retry = None
        while self._waiting:
            message, fds = self._waiting[0]
            if not self._send(message, fds):
                self._wait()
                return
            self._waiting.popleft()
            _close_all(fds)

    def _hear(self) -> None:
        try:
            message = self._socket.recv(PACKET)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if not message:
            self.close()
            self._on_lost()

    def _stop_watching(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._loop is not None and self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
        while self._waiting:
            _close_all(self._waiting.popleft()[1])


def connect_keeper(directory_fd: int, lock_fd: int) -> FdKeeperLink | None:
    """The connection to the keeper that listens in that directory, shown the lock; None where there is none, or it is
    somebody else's."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.setblocking(False)
        connection.connect(_address(directory_fd))
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _gid = _CREDENTIALS.unpack(credentials)
        if uid == os.geteuid():
            link = FdKeeperLink(connection, pid)
            link.claim(lock_fd)
            return link
    except OSError:
        pass
    connection.close()
    return None


def start_keeper(directory_fd: int, lock_fd: int) -> tuple[Child, FdKeeperLink]:
    """Start one, in place of any that has gone, and connect to it. Raises OSError, SpawnError."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(SOCKET_NAME, dir_fd=directory_fd)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(_address(directory_fd))
        listener.listen(_BACKLOG)
        child = _spawn(listener.fileno(), lock_fd)
        link = connect_keeper(directory_fd, lock_fd)
    if link is None:
        raise OSError(errno.ECONNREFUSED, "the keeper of descriptors cannot be reached")
    link.pid = child.pid
    return child, link


def _spawn(listening_fd: int, lock_fd: int) -> Child:
    lock = os.fstat(lock_fd)
    program = Path(fd_keeper.__file__)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        return spawn(
            SpawnPlan(
                argv=(sys.executable, "-IS", str(program), str(listening_fd), str(lock.st_dev), str(lock.st_ino)),
                # Nothing of ours: least of all what marks the processes of a stack.
                env={},
                # It holds up no unmounting.
                cwd="/",
                identity=None,
                pass_fds=(listening_fd,),
                stdout_fd=null,
                stderr_fd=null,
            )
        )
    finally:
        os.close(null)


def _address(directory_fd: int) -> str:
    """Short, wherever the directory is: a socket's path ends at 107 bytes."""
    return f"/proc/self/fd/{directory_fd}/{SOCKET_NAME}"


def _joined(names: list[str]) -> bytes:
    return "\0".join(names).encode("ascii")


def _close_all(fds: tuple[int, ...]) -> None:
    for fd in fds:
        os.close(fd)
