"""Who handles the connections of the wsgiref backend: the loop's own thread, or a fixed number of threads."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Protocol


@dataclass(frozen=True, eq=False)
class Connection:
    """An accepted socket, its peer's (host, port), and the index of the listener that it came in on."""

    sock: socket.socket
    peer: tuple[str, int]
    listener_index: int


class Crew(Protocol):
    """`busy` is how many connections were taken and are not finished; `has_room` says whether to accept more."""

    @property
    def busy(self) -> int: ...

    @property
    def has_room(self) -> bool: ...

    def take(self, connection: Connection, done: Callable[[], None], /) -> None:
        """Handle and close `connection`; call `done` afterwards, from any thread, if this returned before."""


class SoloCrew:
    """Handles each connection at once, in the thread of the loop."""

    has_room = True

    def __init__(self, handle: Callable[[Connection], None]) -> None:
        self._handle = handle
        self.busy = 0

    def take(self, connection: Connection, _done: Callable[[], None], /) -> None:
        """Handle `connection` now; nothing is left to be said afterwards."""
        self.busy = 1
        try:
            self._handle(connection)
        finally:
            self.busy = 0


class ThreadCrew:
    """A fixed number of threads and one queue. Has room while a thread is free, so that other workers get the rest."""

    def __init__(self, handle: Callable[[Connection], None], threads: int) -> None:
        self._handle = handle
        self._threads = threads
        self._queue: SimpleQueue[tuple[Connection, Callable[[], None]]] = SimpleQueue()
        self._lock = Lock()
        self.busy = 0
        for number in range(threads):
            Thread(target=self._work, name=f"wsgiref-{number}", daemon=True).start()

    @property
    def has_room(self) -> bool:
        """Whether a thread is free."""
        return self.busy < self._threads

    def take(self, connection: Connection, done: Callable[[], None], /) -> None:
        """Queue `connection` for the next free thread."""
        with self._lock:
            self.busy += 1
        self._queue.put((connection, done))

    def _work(self) -> None:
        while True:
            connection, done = self._queue.get()
            try:
                self._handle(connection)
            finally:
                with self._lock:
                    self.busy -= 1
                done()
