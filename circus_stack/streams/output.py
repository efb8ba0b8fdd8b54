"""The arbiter's own stdout and stderr, written to by several threads, whole blocks at a time.

A reader that went away (`serve | head`, a closed terminal) ends the output, never the arbiter: what follows is
discarded, since nobody is there to miss it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import threading

from msgspec import Struct

from circus_stack.streams.sink import Tick

# One atomic write of a pipe. A terminal on a serial line needs seconds for more, and would look stuck.
CHUNK = 4096

_GONE = frozenset({errno.EPIPE, errno.EIO, errno.EBADF, errno.ECONNRESET, errno.ENXIO})


class Output:
    """A file descriptor that others may have set non-blocking; never closed here."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._lock = threading.Lock()
        self._is_gone = False

    def write(self, data: bytes, tick: Tick = lambda: None) -> None:
        """Write all of `data`, in one piece as far as other writers here are concerned. Blocks as long as it takes."""
        with self._lock:
            view = memoryview(data)
            while view and not self._is_gone:
                view = view[self._write_some(view[:CHUNK]) :]
                tick()

    def _write_some(self, view: memoryview) -> int:
        try:
            return os.write(self.fd, view)
        except BlockingIOError:
            self._wait_writable()
            return 0
        except OSError as error:
            if error.errno not in _GONE:
                raise
            self._is_gone = True
            return 0

    def _wait_writable(self) -> None:
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        poll.poll()


class Console(Struct, frozen=True):
    """Where the arbiter itself prints."""

    stdout: Output
    stderr: Output

    @classmethod
    def of_process(cls) -> Console:
        """File descriptors 1 and 2."""
        return cls(Output(1), Output(2))

    def is_one_place(self) -> bool:
        """Whether both lead to the same terminal, file or pipe, so that the order between them can be kept."""
        with contextlib.suppress(OSError):
            return os.path.sameopenfile(self.stdout.fd, self.stderr.fd)
        return False
