"""Connections to one arbiter, each lent to one request at a time, which asks as its caller's role."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from circus_stack.client.credentials import Credentials
from circus_stack.client.sync import Client
from circus_stack.protocol.roles import Role
from circus_stack.web.stack.pool import Pool

# Requests that may be on their way to the arbiter at once; it refuses more than 100 that wait.
_MOST = 32


class Connections:
    """To `endpoint`. What is asked is asked as a caller's role, so that the arbiter itself judges it and leaves secrets
    out."""

    def __init__(self, endpoint: str, credentials: Credentials | None) -> None:
        def made(context: Any) -> Client:
            return Client(endpoint, credentials=credentials, context=context)

        self._pool = Pool(made, _MOST)

    @contextlib.contextmanager
    def take(self, role: Role) -> Iterator[Client]:
        """One for the length of a block, which asks as `role`. Raises CallError where all are busy for too long."""
        with self._pool.take() as client:
            client.role = role
            yield client

    def close(self) -> None:
        """Give up all of them; to be called when nobody asks any more."""
        self._pool.close()
