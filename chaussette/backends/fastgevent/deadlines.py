"""When silent connections end."""

from __future__ import annotations

from typing import Any, Protocol

# How exact a deadline is: not a timer for each of a thousand connections that came a millisecond apart.
_GRAIN_S = 0.25


class Connection(Protocol):
    """What is open: a connection, or the handshake before it."""

    deadline: float | None

    @property
    def is_idle(self) -> bool: ...

    def expire(self) -> None: ...

    def end_reading(self) -> None: ...

    def go_away(self) -> None: ...


class Deadlines:
    """One timer for all open connections, never later than the earliest deadline: deadlines move on far more often than
    they pass, and to move one on is to set an attribute. `least_s`: no deadline is set nearer than that."""

    def __init__(self, hub: Any, least_s: float) -> None:
        self._loop = hub.loop
        self._least_s = least_s
        self._connections: dict[Connection, None] = {}
        self._timer: Any = None
        self._at = 0.0

    def __len__(self) -> int:
        return len(self._connections)

    def all(self) -> list[Connection]:
        """Those that are open."""
        return list(self._connections)

    def watch(self, connection: Connection) -> None:
        """A connection is new, or its deadline has moved nearer."""
        self._connections[connection] = None
        # Once its request is answered it will have another deadline, which is not told but is no nearer than this.
        at = self._loop.now() + self._least_s
        if connection.deadline is not None:
            at = min(at, connection.deadline)
        if self._timer is None or at < self._at:
            self._set(at)

    def forget(self, connection: Connection) -> None:
        """It is closed."""
        self._connections.pop(connection, None)

    def _set(self, at: float) -> None:
        self.close()
        self._at = at
        self._timer = self._loop.timer(max(_GRAIN_S, at - self._loop.now()))
        self._timer.start(self._pass)

    def _pass(self) -> None:
        self.close()
        now = self._loop.now()
        # One that is being answered will have a deadline, no nearer than this.
        earliest = now + self._least_s
        for connection in self.all():
            at = connection.deadline
            if at is None:
                continue
            if at <= now:
                connection.expire()
            elif at < earliest:
                earliest = at
        if self._connections:
            self._set(earliest)

    def close(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None
