"""The sockets of a so_reuseport declaration, one for each process, between which the kernel divides connections.

The arbiter has them all: a successor gets the socket of whom it follows, so that what is queued there is served. A lane
that is wanted no more gets no new connection; its process serves what is queued, and then the lane is closed.
"""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct
from collections.abc import Callable, Collection

from msgspec import Struct

from circus_stack.arbiter.handover.record import LaneRecord, LanesRecord

# linux/socket.h, for which Python has no names.
_SO_ATTACH_REUSEPORT_CBPF = 51
_SO_DETACH_REUSEPORT_BPF = 68
# linux/filter.h: A = a random number; A = A mod N; return A, the place in the group of who gets the connection.
_LOAD_RANDOM = (0x20, 0, 0, 0xFFFFF000 + 56)
_MODULO = 0x94
_RETURN_A = (0x16, 0, 0, 0)


class LaneKey(Struct, frozen=True):
    """Whose socket it is: the process of that place in that watcher."""

    watcher: str
    lane: int


class Lanes:
    """`open_one` binds one more socket to the same address. The first socket of all is handed to whoever asks first."""

    def __init__(self, first: socket.socket, open_one: Callable[[], socket.socket]) -> None:
        self._first = first
        self._open_one = open_one
        self._sockets: dict[LaneKey, socket.socket] = {}
        # The order in which the kernel has them in its group: the last one takes the place of one that leaves.
        self._group = [first]
        self._wanted: dict[str, int] = {}
        # Among how many of the group the kernel chooses; 0: all.
        self._chosen = 0

    def fd(self, watcher: str, lane: int) -> int:
        """The socket of a process, opened if there is none yet. Raises SocketError."""
        key = LaneKey(watcher, lane)
        if key not in self._sockets:
            self._sockets[key] = self._fresh()
        return self._sockets[key].fileno()

    def _fresh(self) -> socket.socket:
        if self._first not in self._sockets.values():
            return self._first
        sock = self._open_one()
        self._group.append(sock)
        self._steer()
        return sock

    def all(self) -> tuple[socket.socket, ...]:
        """Each of them."""
        return tuple(self._group)

    def settle(self, watcher: str, wanted: int, alive: Collection[int]) -> None:
        """A watcher wants so many processes: its lanes above get nothing new, and those whose process is gone close.

        `alive` are the lanes of its living processes. To be called before those that are too many are asked to go.
        """
        self._wanted[watcher] = wanted
        for key in tuple(self._sockets):
            if key.watcher == watcher and key.lane >= wanted and key.lane not in alive:
                self._close_lane(key)
        self._steer()

    def _close_lane(self, key: LaneKey) -> None:
        sock = self._sockets.pop(key)
        if sock is self._first:
            # It keeps the address; whoever starts next gets it.
            return
        last = self._group.pop()
        if last is not sock:
            self._group[self._group.index(sock)] = last
        sock.close()

    def _steer(self) -> None:
        """Let the kernel choose among those alone that stay: they are the first in its group as long as the lanes that
        go are the last that came. Where they are not, it goes on to choose among all."""
        drained = {
            sock for key, sock in self._sockets.items() if key.lane >= self._wanted.get(key.watcher, key.lane + 1)
        }
        staying = len(self._group) - len(drained)
        can_steer = bool(drained) and staying > 0 and drained.isdisjoint(self._group[:staying])
        chosen = staying if can_steer and self._first.type is socket.SOCK_STREAM else 0
        if chosen == self._chosen:
            return
        self._chosen = chosen
        if chosen:
            _attach(self._first, chosen)
        else:
            with contextlib.suppress(OSError):
                self._first.setsockopt(socket.SOL_SOCKET, _SO_DETACH_REUSEPORT_BPF, 0)

    def state(self) -> LanesRecord:
        """What others can go on with that have the same descriptors."""
        lanes = (
            LaneRecord(watcher=key.watcher, lane=key.lane, fd=sock.fileno()) for key, sock in self._sockets.items()
        )
        group = tuple(sock.fileno() for sock in self._group)
        return LanesRecord(group=group, lanes=tuple(lanes), wanted=dict(self._wanted), chosen=self._chosen)

    def restore(self, record: LanesRecord) -> None:
        """Go on where others were: the first socket is among the group, the rest is taken over."""
        first = self._first.fileno()
        by_fd = {fd: self._first if fd == first else socket.socket(fileno=fd) for fd in record.group}
        self._group = [by_fd[fd] for fd in record.group]
        self._sockets = {LaneKey(each.watcher, each.lane): by_fd[each.fd] for each in record.lanes}
        self._wanted = dict(record.wanted)
        self._chosen = record.chosen

    def close(self) -> None:
        """Close all but the first, which belongs to whoever made it."""
        for sock in self._group[1:]:
            sock.close()
        del self._group[1:]
        self._sockets.clear()


def _attach(sock: socket.socket, count: int) -> None:
    program = [_LOAD_RANDOM, (_MODULO, 0, 0, count), _RETURN_A]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in program))
    # struct sock_fprog: how many instructions, and where they are.
    record = struct.pack("HP", len(program), ctypes.addressof(code))
    # A kernel without it divides among all, as long as the process that goes still accepts.
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, record)
