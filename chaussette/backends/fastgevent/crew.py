"""Greenlets for requests: made once, used again, and each for all that is ready until it has to wait."""

from __future__ import annotations

from collections import deque
from typing import Any

import greenlet  # type: ignore[import-untyped]  # it brings no types

from chaussette.backends.fastgevent.connection import Connection

# So many wait for the next request: to make one costs as much as a small request.
_PARKED = 256


class Crew:
    """Greenlets that serve one connection after the other. Each request begins with an empty context (contextvars).

    What becomes ready in one turn of the hub is served in one go, at its end: a member goes on with the next connection
    while none has to wait, and to switch to it and back is paid once. Where it waits the hub goes on with another one.
    """

    def __init__(self, hub: Any) -> None:
        self._hub = hub
        self._parked: list[Any] = []
        self._ready: deque[Connection] = deque()
        self._is_due = False

    def begin(self, connection: Connection) -> None:
        """Serve it in this turn of the hub, in the order of these calls; to be called in the hub."""
        self._ready.append(connection)
        if not self._is_due:
            self._is_due = True
            self._hub.loop.run_callback(self._serve_ready)

    def _serve_ready(self) -> None:
        self._is_due = False
        ready, parked = self._ready, self._parked
        while ready:
            member = parked.pop() if parked else greenlet.greenlet(self._run, self._hub)
            # Returns once it has served them all, or waits for something.
            member.switch()

    def _run(self) -> None:
        me = greenlet.getcurrent()
        ready, parked, hub = self._ready, self._parked, self._hub
        # The hub's own switch asks who leaves first, for greenlets of gevent's.
        leave = greenlet.greenlet.switch
        while True:
            while ready:
                connection = ready.popleft()
                me.gr_context = None
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
            leave(hub)
