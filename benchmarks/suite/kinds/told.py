"""A named pipe in which processes tell that they run: whoever waits for one wakes, and polls nothing."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path


class Told:
    """Pids, in the order in which they came. `close` it."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        # Open for writing, too: a writer need not wait for us, and its end is no end of the pipe.
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._rest = b""
        self._pids: list[int] = []

    def next_pid(self, timeout_s: float) -> int | None:
        """None where none comes in time."""
        until = time.monotonic() + timeout_s
        while not self._pids:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._fd], [], [], left)[0]:
                return None
            *lines, self._rest = (self._rest + os.read(self._fd, 65536)).split(b"\n")
            self._pids += [int(each) for each in lines if each.isdigit()]
        return self._pids.pop(0)

    def close(self) -> None:
        os.close(self._fd)
