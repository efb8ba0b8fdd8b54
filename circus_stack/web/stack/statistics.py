"""Connections to the circusd-stats of one stack, kept between two questions: there is one at each tick, and each new
connection has threads of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from circus_stack.client.stats.sync import StatsClient
from circus_stack.client.stats.whereabouts import Whereabouts
from circus_stack.errors import CallError
from circus_stack.web.stack.pool import Pool

_MOST = 16
_TIMEOUT_S = 5.0


class Statistics:
    """`find` asks the arbiter where circusd-stats is: once, and again where nobody answered there. It raises
    CallError."""

    def __init__(self, find: Callable[[], Whereabouts]) -> None:
        self._find = find
        self._found: Whereabouts | None = None
        self._pool = Pool(self._made, _MOST)

    def _made(self, context: Any) -> StatsClient:
        return StatsClient(self._whereabouts(), timeout_s=_TIMEOUT_S, context=context)

    def _whereabouts(self) -> Whereabouts:
        if self._found is None:
            self._found = self._find()
        return self._found

    @contextlib.contextmanager
    def take(self) -> Iterator[StatsClient]:
        """One for the length of a block. Raises CallError where nobody answers."""
        try:
            with self._pool.take() as client:
                yield client
        except CallError:
            # It may have begun, or moved, since.
            self._found = None
            self._pool.clear()
            raise
