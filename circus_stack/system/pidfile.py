"""The file that holds the arbiter's pid, for scripts that look for one."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from circus_stack.errors import CircusStackError, StackRunningError
from circus_stack.system.atomic_file import write_atomically
from circus_stack.system.descent import is_alive


class PidFile:
    """Written at the start, removed at the end if it is still ours."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self) -> None:
        """Raises StackRunningError if the file names a process that lives, CircusStackError if it cannot be written."""
        holder = self._read()
        if holder is not None and holder != os.getpid() and is_alive(holder):
            raise StackRunningError(f"the pid file {self._path} names pid {holder}, which runs; it is left alone")
        try:
            # For all to read: scripts of other users look for it.
            write_atomically(self._path, f"{os.getpid()}\n".encode(), 0o644)
        except OSError as error:
            raise CircusStackError(f"cannot write the pid file {self._path}: {error.strerror}") from None

    def remove(self) -> None:
        """Remove the file, unless somebody else has taken it over."""
        if self._read() == os.getpid():
            with contextlib.suppress(OSError):
                self._path.unlink()

    def _read(self) -> int | None:
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return None
