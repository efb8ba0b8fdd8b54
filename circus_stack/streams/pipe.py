"""One pipe from a child: made here, and read in the loop until its end. What becomes of the bytes is another's part."""

from __future__ import annotations

import array
import asyncio
import contextlib
import fcntl
import os
import termios
from collections.abc import Callable

from msgspec import Struct

from circus_stack.streams.block import StreamName
from circus_stack.streams.spool import Spool, SpoolRecord
from circus_stack.streams.wake import call_in_loop
from circus_stack.system.open_files import out_of_the_way
from circus_stack.system.ready_set import ReadySet

# A pipe holds 64 KiB unless told otherwise: one read empties it, then the other pipes have their turn.
READ_SIZE = 64 * 1024
# A pipe is full with less than its size in it: each write begins on a page of its own.
BUSY = READ_SIZE // 2
# A pipe that is found full is made this large: 200 MB take half the time and CPU then. More than this falls out of the
# processor's cache and is slower again (benchmarks/log_throughput.py).
LARGE = 256 * 1024
# The kernel lets a user without privileges have 64 MiB of pipes, and gives out tiny ones after that: take 16 at most.
MAX_LARGE = 64


class PipeEnds(Struct, frozen=True):
    """File descriptors of a new pipe: ours to read from, the child's to write to. Without ours there is no pipe."""

    ours: int | None
    childs: int

    def close_childs(self) -> None:
        """The child has its copy: close ours of it, or the end of file would never come."""
        os.close(self.childs)

    def close(self) -> None:
        """Close both."""
        if self.ours is not None:
            os.close(self.ours)
        os.close(self.childs)


def open_pipe(owner: int | None = None) -> PipeEnds:
    """A pipe, close-on-exec at both ends, non-blocking at ours only; `owner` is a uid, who may open it by name.

    The child's end is open for reading too: should the arbiter die, the child is its own reader and no write of it
    fails with EPIPE before the next arbiter fetches the pipe. The end of file still comes with the last child, since
    we hold no end for writing.
    """
    ours, childs = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    if owner is not None:
        # Else a process that runs as that user gets EACCES for /dev/stdout, where many write their log. An arbiter that
        # may not do it leaves them that.
        with contextlib.suppress(PermissionError):
            os.fchown(ours, owner, -1)
    try:
        both_ways = os.open(f"/proc/self/fd/{ours}", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        # No /proc (a bare chroot): a plain end, which is as good until the arbiter is killed.
        os.set_blocking(childs, True)
        return PipeEnds(out_of_the_way(ours), childs)
    os.close(childs)
    return PipeEnds(out_of_the_way(ours), both_ways)


def open_nothing() -> PipeEnds:
    """/dev/null in place of a pipe."""
    return PipeEnds(None, os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC))


class PipeYard:
    """What all pipes of an arbiter share: the loop that reads them, what waits for them, how many may be large."""

    def __init__(self, loop: asyncio.AbstractEventLoop, max_large: int = MAX_LARGE, spool: Spool | None = None) -> None:
        self.spool = spool
        self.loop = loop
        self.readable = ReadySet(loop)
        self._left = max_large
        # While everything is about to be handed over, nothing is read: it stays in the pipes.
        self.is_paused = False

    def enlarge(self, fd: int) -> bool:
        """Make the pipe large; False if there are too many or the kernel refuses."""
        if self._left <= 0:
            return False
        try:
            fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, LARGE)
        except OSError:
            return False
        self._left -= 1
        return True

    def take_large(self) -> None:
        """One that is large already came from another yard."""
        self._left -= 1

    def give_back(self) -> None:
        """One of them was closed."""
        self._left += 1

    def close(self) -> None:
        """Wait for no pipe any more."""
        self.readable.close()


class PipeReader:
    """Reads one pipe. `on_data` gets what was read, with the record of it where a spool keeps it for `pid` and
    `stream`, and empty bytes once, at the end of file.

    `may_read` is asked before each read; if it says no, the reader pauses until `resume`.
    """

    def __init__(
        self,
        yard: PipeYard,
        fd: int,
        *,
        pid: int,
        stream: StreamName,
        on_data: Callable[[bytes, SpoolRecord | None], None],
        may_read: Callable[[], bool],
        is_large: bool = False,
    ) -> None:
        self._yard = yard
        self._pid, self._stream = pid, stream
        self._fd = fd
        self._read_size = LARGE if is_large else READ_SIZE
        if is_large:
            yard.take_large()
        self._on_data = on_data
        self._may_read = may_read
        self._is_watched = False

    @property
    def is_closed(self) -> bool:
        """Whether the end of file was reached, or `close` called."""
        return self._fd < 0

    @property
    def fd(self) -> int:
        """Our end; negative when closed."""
        return self._fd

    @property
    def is_large(self) -> bool:
        """Whether the pipe was made larger."""
        return self._read_size == LARGE

    def resume(self) -> None:
        """Begin to read, or go on; not while the whole yard is paused."""
        if self._fd >= 0 and not self._is_watched and not self._yard.is_paused:
            self._yard.readable.add(self._fd, self._on_readable)
            self._is_watched = True

    def resume_soon(self) -> None:
        """`resume`, said by another thread."""
        call_in_loop(self._yard.loop, self.resume)

    def count_waiting(self) -> int:
        """Bytes that stand in the pipe unread; 0 when closed."""
        if self._fd < 0:
            return 0
        count = array.array("i", [0])
        fcntl.ioctl(self._fd, termios.FIONREAD, count)
        return count[0]

    def close(self) -> None:
        """Read no more; `on_data` isn't called again."""
        self.pause()
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)
            if self._read_size == LARGE:
                self._yard.give_back()

    def pause(self) -> None:
        """Read no more until `resume`."""
        if self._is_watched:
            self._is_watched = False
            self._yard.readable.remove(self._fd)

    def _on_readable(self) -> None:
        if not self._may_read():
            self.pause()
            return
        try:
            data, record = self._read()
        except BlockingIOError:
            return
        if not data:
            self.close()
        elif len(data) >= BUSY and self._read_size < LARGE and self._yard.enlarge(self._fd):
            self._read_size = LARGE
        self._on_data(data, record)

    def _read(self) -> tuple[bytes, SpoolRecord | None]:
        spool = self._yard.spool
        # Exactly what stands there: the spool has to know before how much it will be.
        count = 0 if spool is None else min(self.count_waiting(), self._read_size)
        record = spool.take(self._pid, self._stream, count) if spool is not None and count else None
        if record is None:
            return os.read(self._fd, self._read_size), None
        return record.read_from(self._fd), record
