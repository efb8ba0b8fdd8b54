"""The program that keeps descriptors for an arbiter while there is none: it holds what it is given, by name, and hands
it to whoever comes next. Standard library alone: it is run by its path, without site packages, and stays small.

    python -IS fd_keeper.py LISTENING_FD LOCK_DEVICE LOCK_INODE

One message is one packet: a letter, then names, each with a zero byte between it and the next; descriptors go beside
them, one a name. The first of a client is CLAIM with the descriptor of the ledger's lock: who holds that is the
arbiter. The other side stands in `fd_keeper_link`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import resource
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence

CLAIM, KEEP, FORGET, SETTLE, TAKE, END, QUIT = b"C", b"K", b"F", b"S", b"T", b"E", b"Q"
# The kernel lets 253 go with one message.
BATCH = 128
# Longer than the names of a batch: an inode's or a token's name takes some 40 bytes.
PACKET = 64 * 1024
# Names that begin so are of pidfds: readable when the process has ended. A pipe without a writer hangs up.
PIDFD, PIPE = "pidfd:", "pipe:"

# Without a client, and with nobody alive who uses what is kept: an upgrade's exec, or a restart, takes no longer.
_GRACE_S = 5.0
# Whoever asks for everything reads it at once.
_SEND_S = 5.0
# How long nobody is let in for want of descriptors: whoever waits is told of at once, and again.
_DEAF_S = 0.5
_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
# Connections that haven't shown yet whose they are.
_MOST_STRANGERS = 8
_CREDENTIALS = struct.Struct("3i")


class Shelf:
    """What is kept. An owner is a process that lives, or a pipe that somebody can still write to."""

    def __init__(self, epoll: select.epoll) -> None:
        self._epoll = epoll
        self._fds: dict[str, int] = {}
        # Told since the present client came.
        self._confirmed: set[str] = set()
        self._owners: dict[int, str] = {}

    def keep(self, name: str, fd: int) -> None:
        """Hold it; of a name that is known already the new one."""
        self.forget(name)
        self._fds[name] = fd
        self._confirmed.add(name)
        if name.startswith((PIDFD, PIPE)):
            # Of a pipe nothing is asked for but its hang-up, which always comes.
            self._epoll.register(fd, select.EPOLLIN if name.startswith(PIDFD) else 0)
            self._owners[fd] = name

    def forget(self, name: str) -> None:
        """Close it; nothing where it isn't known."""
        fd = self._fds.pop(name, None)
        if fd is not None:
            self.ended(fd)
            os.close(fd)

    def clear(self) -> None:
        """Close everything."""
        for name in tuple(self._fds):
            self.forget(name)

    def begin(self) -> None:
        """Another client has come: what it doesn't name until it settles is nobody's."""
        self._confirmed = set()

    def settle(self) -> None:
        """The client has named all that is to be kept."""
        for name in [each for each in self._fds if each not in self._confirmed]:
            self.forget(name)

    def ended(self, fd: int) -> None:
        """That owner is no more."""
        if self._owners.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def is_owner(self, fd: int) -> bool:
        """Whether the number is that of somebody who lived until now."""
        return fd in self._owners

    @property
    def has_owners(self) -> bool:
        """Whether anybody lives who uses what is kept."""
        return bool(self._owners)

    def batches(self) -> Iterator[tuple[list[str], list[int]]]:
        """All of it, names and descriptors."""
        items = list(self._fds.items())
        for begin in range(0, len(items), BATCH):
            batch = items[begin : begin + BATCH]
            yield [name for name, _fd in batch], [fd for _name, fd in batch]


class FdKeeper:
    """Serves one arbiter after the other. `lock` is the device and the inode of the ledger's lock."""

    def __init__(self, listener: socket.socket, lock: tuple[int, int]) -> None:
        self._listener = listener
        self._lock = lock
        self._epoll = select.epoll()
        self._shelf = Shelf(self._epoll)
        self._client: socket.socket | None = None
        self._strangers: dict[int, socket.socket] = {}
        self._lonely_since: float | None = time.monotonic()
        self._deaf_until: float | None = None
        self._is_dismissed = False

    def run(self) -> None:
        """Until it is dismissed, or nobody needs it."""
        self._listener.setblocking(False)
        # Once more, by this process: who connects from now on is told its pid.
        self._listener.listen()
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)
        while not self._is_dismissed:
            left_s = self._patience_s()
            if left_s is not None and left_s <= 0:
                return
            for fd, _events in self._epoll.poll(self._until_hearing_s(left_s)):
                self._answer(fd)

    def _patience_s(self) -> float | None:
        """How long nobody may come before it ends; None: for ever."""
        if self._client is not None or self._shelf.has_owners:
            self._lonely_since = None
            return None
        if self._lonely_since is None:
            self._lonely_since = time.monotonic()
        return self._lonely_since + _GRACE_S - time.monotonic()

    def _until_hearing_s(self, left_s: float | None) -> float | None:
        """`left_s`, or the shorter time until somebody may be let in again; that begins here."""
        if self._deaf_until is None:
            return left_s
        deaf_s = self._deaf_until - time.monotonic()
        if deaf_s > 0:
            return deaf_s if left_s is None else min(left_s, deaf_s)
        self._deaf_until = None
        self._epoll.modify(self._listener.fileno(), select.EPOLLIN)
        return left_s

    def _answer(self, fd: int) -> None:
        if fd == self._listener.fileno():
            self._accept()
        elif self._client is not None and fd == self._client.fileno():
            self._hear(self._client)
        elif fd in self._strangers:
            self._examine(self._strangers[fd])
        elif self._shelf.is_owner(fd):
            self._shelf.ended(fd)

    # -- who comes --------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        try:
            connection, _address = self._listener.accept()
        except OSError as error:
            if error.errno in _SHORTAGES:
                self._epoll.modify(self._listener.fileno(), 0)
                self._deaf_until = time.monotonic() + _DEAF_S
            return
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        _pid, uid, _gid = _CREDENTIALS.unpack(credentials)
        if uid != os.geteuid():
            connection.close()
            return
        if len(self._strangers) >= _MOST_STRANGERS:
            # They come and say nothing: whoever does so longest must not keep the next arbiter out.
            oldest = next(iter(self._strangers.values()))
            del self._strangers[oldest.fileno()]
            self._hang_up(oldest)
        connection.setblocking(False)
        self._strangers[connection.fileno()] = connection
        self._epoll.register(connection.fileno(), select.EPOLLIN)

    def _examine(self, stranger: socket.socket) -> None:
        """The first word of somebody: only who holds the lock of the ledger is heard further."""
        received = _receive(stranger)
        if received is None:
            return
        message, fds = received
        holds = message[:1] == CLAIM and len(fds) == 1 and self._is_locked(fds[0])
        for fd in fds:
            # The lock must not live on with us.
            os.close(fd)
        del self._strangers[stranger.fileno()]
        if not holds:
            self._hang_up(stranger)
            return
        if self._client is not None:
            # Two can't hold the lock: the one before is gone, and its end has not been read yet.
            self._hang_up(self._client)
        self._client = stranger
        self._shelf.begin()

    def _is_locked(self, fd: int) -> bool:
        """Whether it is the lock, and held by whoever opened it. Asking does nothing to a lock that is held."""
        try:
            status = os.fstat(fd)
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._lock

    def _hang_up(self, connection: socket.socket) -> None:
        self._epoll.unregister(connection.fileno())
        connection.close()

    # -- what the arbiter says --------------------------------------------------------------------------------

    def _hear(self, client: socket.socket) -> None:
        received = _receive(client)
        if received is None:
            return
        message, fds = received
        kind, names = message[:1], message[1:].decode("ascii", "replace").split("\0")
        if kind == KEEP:
            # Where we may open no more, the last ones lack.
            for name, fd in zip(names, fds, strict=False):
                self._shelf.keep(name, fd)
            return
        for fd in fds:
            os.close(fd)
        if kind == FORGET:
            for name in names:
                self._shelf.forget(name)
        elif kind == SETTLE:
            self._shelf.settle()
        elif kind == TAKE:
            self._give(client)
        elif kind == QUIT:
            # First of all: at the end of the connection, which an exit may close before the rest, ports are to be free.
            self._shelf.clear()
            self._is_dismissed = True
        elif not message:
            self._client = None
            self._hang_up(client)

    def _give(self, client: socket.socket) -> None:
        client.settimeout(_SEND_S)
        # Who goes in the midst of it is heard to have gone.
        with contextlib.suppress(OSError):
            for names, fds in self._shelf.batches():
                socket.send_fds(client, [KEEP + "\0".join(names).encode("ascii")], fds)
            client.send(END)
        client.setblocking(False)


def _receive(connection: socket.socket) -> tuple[bytes, list[int]] | None:
    """One message with its descriptors; empty at the end, None where there is none yet."""
    try:
        message, fds, _flags, _address = socket.recv_fds(connection, PACKET, BATCH)
    except BlockingIOError:
        return None
    except OSError:
        return b"", []
    return message, fds


def main(words: Sequence[str]) -> None:
    """Run, as the file's first lines say."""
    listening, device, inode = map(int, words)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        # It holds as many as all processes have together.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    FdKeeper(socket.socket(fileno=listening), (device, inode)).run()


if __name__ == "__main__":
    main(sys.argv[1:])
