"""A channel of whole packets between this process and a child: SOCK_SEQPACKET, descriptors beside the packets.

Knows nothing of what the packets say. Nothing here waits: what cannot be sent at once is an error.
"""

from __future__ import annotations

import array
import asyncio
import errno
import os
import socket
from collections.abc import Callable, Sequence

# No packet of a child is longer: what doesn't fit is cut by the kernel, and no message any more.
_MOST = 256 * 1024


class PacketChannel:
    """`on_packet(data)` for each packet that comes; `on_end()` once, when the child has closed its end."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_packet: Callable[[bytes], None], on_end: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._on_packet = on_packet
        self._on_end = on_end
        self._ours: socket.socket | None = None
        self._childs_fd = -1

    def open(self) -> int:
        """Make both ends; the child's, ours until `begin` or `close`. Raises OSError where there are no descriptors."""
        self._ours, childs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setblocking(False)
        self._childs_fd = childs.detach()
        return self._childs_fd

    def begin(self) -> None:
        """The child runs: close its end here, begin to listen."""
        self._close_childs()
        if self._ours is not None:
            self._loop.add_reader(self._ours.fileno(), self._read)

    def _close_childs(self) -> None:
        if self._childs_fd >= 0:
            os.close(self._childs_fd)
            self._childs_fd = -1

    def send(self, data: bytes, fds: Sequence[int] = ()) -> None:
        """Send a packet; the child gets copies of the descriptors. Raises OSError, where it is closed ENOTCONN."""
        if self._ours is None:
            raise OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self._ours.sendmsg([data], ancillary, socket.MSG_NOSIGNAL)

    def drain(self) -> None:
        """Hand on what has come by now: the last words of a child that has ended."""
        while self._read():
            pass

    def _read(self) -> bool:
        """Whether there was a packet."""
        if self._ours is None:
            return False
        try:
            data, ancillary, _flags, _ = self._ours.recvmsg(_MOST, 0, socket.MSG_CMSG_CLOEXEC)
        except BlockingIOError:
            return False
        except OSError:
            data, ancillary = b"", []
        # Nobody asked for descriptors: without room for them the kernel has closed them.
        del ancillary
        if not data:
            self.close()
            self._on_end()
            return False
        self._on_packet(data)
        return True

    def close(self) -> None:
        """Hear no more; the child reads the end of file. Safe to call twice."""
        if self._ours is not None:
            self._loop.remove_reader(self._ours.fileno())
            self._ours.close()
            self._ours = None
        self._close_childs()


class Gate:
    """A pipe at which a child waits: it reads a byte where it may go on, and the end of file where it is turned away.

    That is so, too, where this process is killed.
    """

    def __init__(self) -> None:
        self.childs_fd, self._ours = os.pipe2(os.O_CLOEXEC)

    def sent(self) -> None:
        """The child has its end."""
        if self.childs_fd >= 0:
            os.close(self.childs_fd)
            self.childs_fd = -1

    def open(self) -> None:
        """Let the child go on; where it is gone, nothing."""
        try:
            os.write(self._ours, b"\n")
        except BrokenPipeError:
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Turn the child away, if it has not been let go. Safe to call twice."""
        self.sent()
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1
