"""`wsgi.file_wrapper`: a file that may leave through sendfile, without its bytes ever being in this process."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from typing import Protocol


class FileLike(Protocol):
    """What PEP 3333 asks of the file."""

    def read(self, size: int, /) -> bytes: ...


class FileWrapper:
    """An iterable over a file, in blocks; `close` closes it."""

    def __init__(self, file: FileLike, block_size: int = 65536) -> None:
        self.file = file
        self.block_size = block_size

    def __iter__(self) -> Iterator[bytes]:
        while data := self.file.read(self.block_size):
            yield data

    def close(self) -> None:
        """Close the file, if it can be closed."""
        close: Callable[[], None] | None = getattr(self.file, "close", None)
        if close is not None:
            close()

    def region(self) -> tuple[int, int, int] | None:
        """(descriptor, offset, bytes up to the end) of a regular file; None for anything else that can be read."""
        try:
            fd: int = self.file.fileno()  # type: ignore[attr-defined]
            offset: int = self.file.tell()  # type: ignore[attr-defined]
            found = os.fstat(fd)
        except (AttributeError, OSError, ValueError):
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return fd, offset, max(0, found.st_size - offset)
