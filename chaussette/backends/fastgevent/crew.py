"""Greenlets for requests: made once, used again."""

from __future__ import annotations

from typing import Any

import greenlet  # type: ignore[import-untyped]  # it brings no types

from chaussette.backends.fastgevent.connection import Connection

# So many wait for the next request: to make one costs as much as a small request.
_PARKED = 256


class Crew:
    """Greenlets that serve one connection after the other. Each begins with an empty context (contextvars)."""

    def __init__(self, hub: Any) -> None:
        self._hub = hub
        self._parked: list[Any] = []

    def begin(self, connection: Connection) -> None:
        """Serve it until it waits; to be called in the hub."""
        if self._parked:
            member = self._parked.pop()
            member.gr_context = None
        else:
            member = greenlet.greenlet(self._run, self._hub)
        member.switch(connection)

    def _run(self, connection: Connection) -> None:
        me = greenlet.getcurrent()
        parked, hub = self._parked, self._hub
        # The hub's own switch asks who leaves first, for greenlets of gevent's.
        leave = greenlet.greenlet.switch
        while True:
            try:
                connection.serve()
            except greenlet.GreenletExit:
                return
            except BaseException as error:
                # SystemExit and its like end the worker, as they would anywhere else.
                hub.handle_error(connection, type(error), error, error.__traceback__)
            if len(parked) >= _PARKED:
                return
            parked.append(me)
            connection = leave(hub)
