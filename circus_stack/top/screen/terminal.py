"""The terminal that is drawn on, and its loss: a window that is closed, a connection that breaks.

Textual writes in a thread, which ends with the first write that fails; the program would wait for ever then for room in
that thread's queue. Its other thread, that reads keys, never learns of the end.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import Callable
from typing import IO, Any, cast

from textual.drivers.linux_driver import LinuxDriver


class LastingOutput:
    """A file of which no write fails: once it has taken nothing more, /dev/null stands in its place, for whoever else
    has something to say there, too. Used by one thread."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write, or let it be where nobody sees it any more."""
        self._attempt(lambda: self._file.write(text))

    def flush(self) -> None:
        """Write what is left."""
        self._attempt(self._file.flush)

    def fileno(self) -> int:
        """That of the file."""
        return self._file.fileno()

    def _attempt(self, attempt: Callable[[], object]) -> None:
        try:
            attempt()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(nowhere, self._file.fileno())
            os.close(nowhere)


class TerminalDriver(LinuxDriver):
    """Textual's, on a terminal that may go away."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # All that Textual's thread needs of a file.
        self._file = cast(Any, LastingOutput(cast(IO[str], self._file)))


class HangUp:
    """Calls `on_hang_up` when a terminal, a descriptor, has gone, whether or not anybody sends SIGHUP. Keys that wait
    to be read wake nobody up. Without epoll nothing is watched: then a signal must come, as it mostly does."""

    def __init__(self, terminal: int, on_hang_up: Callable[[], object]) -> None:
        self._terminal = terminal
        self._on_hang_up = on_hang_up
        self._close: Callable[[], object] | None = None

    def watch(self) -> None:
        """To be called in the event loop. Raises OSError for what cannot be watched, as a file."""
        if not hasattr(select, "epoll"):
            return
        loop, poll = asyncio.get_running_loop(), select.epoll()
        # A hang-up is told without having been asked for.
        poll.register(self._terminal, 0)
        loop.add_reader(poll.fileno(), self._end)

        def close() -> None:
            loop.remove_reader(poll.fileno())
            poll.close()

        self._close = close

    def _end(self) -> None:
        self.close()
        self._on_hang_up()

    def close(self) -> None:
        """Watch no more. Safe to call twice."""
        close, self._close = self._close, None
        if close is not None:
            close()
