"""A thread that hands records to the handlers of `logging`: a handler may wait for a network, the arbiter's loop never.

Started by the first record, so that a fork may come before it.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
from collections.abc import Callable

# What waits while a handler is slow; more is dropped, for the loop's sake.
_MOST = 10_000


class LogThread:
    """Calls `handle` for each record, one after the other. What a handler raises is its own affair."""

    def __init__(self, handle: Callable[[logging.LogRecord], object]) -> None:
        self._handle = handle
        self._queue: queue.Queue[logging.LogRecord | None] = queue.Queue(_MOST)
        self._thread: threading.Thread | None = None
        self._dropped = 0

    def put(self, record: logging.LogRecord) -> None:
        """Queue a record; never waits."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(record)
        except queue.Full:
            self._dropped += 1

    def close(self, timeout_s: float = 2.0) -> None:
        """Let what waits be handled, for so many seconds."""
        if self._thread is None:
            return
        try:
            self._queue.put(None, timeout=timeout_s)
        except queue.Full:
            return
        self._thread.join(timeout_s)

    def _run(self) -> None:
        # Signals are the main thread's.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while (record := self._queue.get()) is not None:
            self._handle_dropped(record)
            self._handle(record)

    def _handle_dropped(self, record: logging.LogRecord) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            text = f"{dropped} messages were dropped here: the handlers of the log are too slow"
            self._handle(logging.LogRecord(record.name, logging.WARNING, "", 0, text, None, None))
