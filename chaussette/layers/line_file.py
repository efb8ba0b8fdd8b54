"""Where lines of the access log go: standard output, or a file, which is opened anew when it was moved away."""

from __future__ import annotations

import contextlib
import os
import time
from _thread import allocate_lock

from chaussette.errors import UsageError

STANDARD_OUTPUT = "-"
# How often it is looked whether the file is still where it was.
_LOOK_S = 1.0


class LineFile:
    """`path` is '-' for standard output. Lines are appended in one call each, so that several workers may write to the
    same file. What cannot be written is lost: a full disk must not fail requests."""

    def __init__(self, path: str) -> None:
        """Raises UsageError for a file that cannot be opened."""
        self._path = path
        self._next_look = 0.0
        # A pipe takes a long line in pieces: a thread's must not come between. Native: greenlets never wait for it.
        self._lock = allocate_lock()
        self._fd = 1
        if path != STANDARD_OUTPUT:
            try:
                self._fd = _opened(path)
            except OSError as error:
                raise UsageError(f"--access-log {path!r}: {error.strerror}") from error

    def write(self, line: str) -> None:
        """Append a line, which has no end yet."""
        data = line.encode("ascii", "backslashreplace") + b"\n"
        with self._lock, contextlib.suppress(OSError):
            if self._path != STANDARD_OUTPUT:
                self._follow()
            os.write(self._fd, data)

    def _follow(self) -> None:
        """Write to the file that bears the name now: the other one was rotated away."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_S
        with contextlib.suppress(OSError):
            if not _is_same(self._fd, self._path):
                fd, self._fd = self._fd, _opened(self._path)
                os.close(fd)


def _opened(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


def _is_same(fd: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))  # noqa: PTH116 - no Path a second for nothing
    except FileNotFoundError:
        return False
