"""One log file, open for appending: writes that end on a line, whatever the disk does in between."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from circus_stack.streams.safe_open import open_to_append
from circus_stack.streams.sink import Tick

# What one read of a large pipe gives, with the line before it that had no end yet: a second call for its last bytes
# would cost. Small enough that a slow disk shows progress.
CHUNK = 320 * 1024


class LogFile:
    """Opened with the first write. `size` is in bytes, as far as this object knows.

    A device or a FIFO is not regular: it has no size and can't be rotated.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1
        self._is_torn = False
        self.size = 0
        self.is_regular = False

    @property
    def is_open(self) -> bool:
        """Whether there is a file descriptor."""
        return self._fd >= 0

    def open(self) -> None:
        """Open or create the file unless it is open; raises OSError."""
        if self._fd >= 0:
            return
        self._fd = open_to_append(self.path)
        status = os.fstat(self._fd)
        self.size = status.st_size
        self.is_regular = stat.S_ISREG(status.st_mode)

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def is_at_path(self) -> bool:
        """Whether the path still leads to the open file."""
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._fd))
        except OSError:
            return False

    def modified_at(self) -> float:
        """When the open file was last written to, in seconds since the epoch."""
        return os.fstat(self._fd).st_mtime

    def append(self, data: bytes | memoryview, tick: Tick) -> None:
        """Write all of `data` at the end; raises WriteError with what the disk took of it."""
        view = memoryview(data)
        done = 0
        try:
            self._begin()
            while done < len(view):
                written = os.write(self._fd, view[done : done + CHUNK])
                done += written
                self.size += written
                tick()
        except OSError as error:
            self._is_torn = self._is_torn or (done > 0 and view[done - 1] != ord("\n"))
            raise WriteError(error, done) from error

    def _begin(self) -> None:
        """Open the file; end the line that a full disk had cut off, so that nothing is glued to that half."""
        self.open()
        if self._is_torn:
            self.size += os.write(self._fd, b"\n")
            self._is_torn = False


class WriteError(Exception):
    """The disk refused with `error`; `done` bytes had been written before."""

    def __init__(self, error: OSError, done: int) -> None:
        self.error = error
        self.done = done
        super().__init__(str(error))
