"""Connections to one arbiter, shared by all requests of the console: each serves one request at a time, and is kept for
the next. Works on threads and on gevent's greenlets."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from circus_stack.client.credentials import Credentials
from circus_stack.client.library import blocking_zmq
from circus_stack.client.sync import Client
from circus_stack.errors import CallError, CommandError
from circus_stack.protocol.roles import Role

# Requests that may be on their way to the arbiter at once; it refuses more than 100 that wait.
_MOST = 32
# Whoever comes while all are busy waits so long.
_PATIENCE_S = 5.0


class Connections:
    """At most _MOST connections to `endpoint`. What is asked is asked as a caller's role, so that the arbiter itself
    judges it and leaves secrets out."""

    def __init__(self, endpoint: str, credentials: Credentials | None) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        # One for all of them, since each has a thread of its own; made when somebody asks.
        self._context: Any = None
        self._free: list[Client] = []
        self._seats = threading.BoundedSemaphore(_MOST)
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def take(self, role: Role) -> Iterator[Client]:
        """One for the length of a block, which asks as `role`. Raises CallError where all are busy for too long."""
        if not self._seats.acquire(timeout=_PATIENCE_S):
            raise CallError(f"{_MOST} requests wait for the arbiter already: try again later")
        try:
            client = self._any()
            client.role = role
            is_fit = False
            try:
                yield client
                is_fit = True
            except CommandError:
                # That was an answer.
                is_fit = True
                raise
            finally:
                self._put_back(client, is_fit)
        finally:
            self._seats.release()

    def _any(self) -> Client:
        with self._lock:
            if self._free:
                return self._free.pop()
            if self._context is None:
                self._context = blocking_zmq().Context()
        return Client(self._endpoint, credentials=self._credentials, context=self._context)

    def _put_back(self, client: Client, is_fit: bool) -> None:
        """What was asked of one that is not fit may still be answered: nobody else is to be given that."""
        if not is_fit:
            client.close()
            return
        with self._lock:
            self._free.append(client)

    def close(self) -> None:
        """Give up all of them; to be called when nobody asks any more."""
        with self._lock:
            free, self._free = self._free, []
            context, self._context = self._context, None
        for each in free:
            each.close()
        if context is not None:
            context.term()
