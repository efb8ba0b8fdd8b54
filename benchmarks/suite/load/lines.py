"""The lines of a program's output as they come, with a limit to the wait."""

from __future__ import annotations

import queue
import threading
from typing import IO


class Lines:
    """Reads in a thread, since a stream of text cannot be waited for. `has_ended`: after the last line."""

    def __init__(self, stream: IO[str]) -> None:
        self._found: queue.Queue[str | None] = queue.Queue()
        self.has_ended = False
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def next(self, timeout_s: float) -> str | None:
        """None where none comes in time, or none will."""
        if self.has_ended:
            return None
        try:
            line = self._found.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return None
        self.has_ended = line is None
        return line

    def _read(self, stream: IO[str]) -> None:
        try:
            for line in stream:
                self._found.put(line)
        except ValueError:
            # Closed by whoever has seen enough.
            pass
        self._found.put(None)
