"""Connections of one kind, shared by all requests of the console: each serves one request at a time, and is kept for
the next. Works on threads and on gevent's greenlets."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from circus_stack.client.closing import Closing
from circus_stack.client.library import blocking_zmq
from circus_stack.errors import CallError, CommandError

T = TypeVar("T", bound=Closing)

# Whoever comes while all are busy waits so long.
_PATIENCE_S = 5.0


class Pool(Generic[T]):
    """At most `most` connections, which `make` makes in the ZeroMQ context that it is given: one for all of them, since
    each has threads of its own."""

    def __init__(self, make: Callable[[Any], T], most: int) -> None:
        self._make = make
        self._most = most
        # Made when somebody asks.
        self._context: Any = None
        self._free: list[T] = []
        self._seats = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def take(self) -> Iterator[T]:
        """One for the length of a block. Raises CallError where all are busy for too long."""
        if not self._seats.acquire(timeout=_PATIENCE_S):
            raise CallError(f"{self._most} requests wait for an answer already: try again later")
        try:
            connection = self._any()
            is_fit = False
            try:
                yield connection
                is_fit = True
            except CommandError:
                # That was an answer.
                is_fit = True
                raise
            finally:
                self._put_back(connection, is_fit)
        finally:
            self._seats.release()

    def _any(self) -> T:
        with self._lock:
            if self._free:
                return self._free.pop()
            if self._context is None:
                self._context = blocking_zmq().Context()
        return self._make(self._context)

    def _put_back(self, connection: T, is_fit: bool) -> None:
        """What was asked of one that is not fit may still be answered: nobody else is to be given that."""
        if not is_fit:
            connection.close()
            return
        with self._lock:
            self._free.append(connection)

    def clear(self) -> None:
        """Keep none of those that nobody uses: whom they reach may not be there any more."""
        with self._lock:
            free, self._free = self._free, []
        for each in free:
            each.close()

    def close(self) -> None:
        """Give up all of them; to be called when nobody asks any more."""
        self.clear()
        with self._lock:
            context, self._context = self._context, None
        if context is not None:
            context.term()
