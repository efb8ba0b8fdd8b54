"""Waiting for the first activity at the sockets of one watcher that starts on demand. Reads nothing from them.

What is waiting in a queue stays there: whoever is started serves it. The arbiter looks no more as soon as it has seen
something, so that a socket that stays readable can't keep it busy.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable, Iterable

from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.launch import inherited_sockets


class SocketAlarm:
    """Calls back once when one of a few sockets becomes readable."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._poll: select.epoll | None = None
        self._on_activity: Callable[[], None] = lambda: None

    @property
    def is_armed(self) -> bool:
        return self._poll is not None

    def arm(self, fds: Iterable[int], on_activity: Callable[[], None]) -> None:
        """Wait for these descriptors, in place of those before.

        They are watched by an epoll of their own: several watchers may wait for one and the same socket, which the loop
        itself would not allow, and no duplicate keeps a port bound that the arbiter closes.
        """
        self.disarm()
        self._on_activity = on_activity
        self._poll = select.epoll()
        for fd in fds:
            self._poll.register(fd, select.EPOLLIN)
        self._loop.add_reader(self._poll.fileno(), self._ring)

    def disarm(self) -> None:
        """Wait no more."""
        if self._poll is not None:
            self._loop.remove_reader(self._poll.fileno())
            self._poll.close()
            self._poll = None

    def _ring(self) -> None:
        # An event may have been for a socket that has been closed since.
        if self._poll is not None and self._poll.poll(0):
            self.disarm()
            self._on_activity()


class Demand:
    """Whether one watcher is down and starts with the first activity at a socket that it inherits."""

    def __init__(self, charge: Charge) -> None:
        self._charge = charge
        self._alarm = SocketAlarm(charge.means.loop)
        # What is to happen at the next activity; kept over a run, so that the watcher waits again after it.
        self._wake: Callable[[], None] | None = None

    @property
    def is_armed(self) -> bool:
        return self._alarm.is_armed

    @property
    def is_remembered(self) -> bool:
        """Whether the watcher waits again when it comes down by itself."""
        return self._wake is not None

    def restore(self, wake: Callable[[], None], *, is_armed: bool) -> None:
        """Go on where another one was: `wake` is called at the next activity while the watcher is down."""
        self._wake = wake
        if is_armed:
            self.rearm()

    def arm(self, wake: Callable[[], None]) -> bool:
        """Call `wake` at the first activity; False where the watcher doesn't start on demand, or has no socket."""
        fds = self._fds()
        if not self._charge.config.on_demand or not fds:
            return False
        self._wake = wake
        self._alarm.arm(fds, wake)
        return True

    def disarm(self) -> None:
        """Wait for nothing while the watcher is up."""
        self._alarm.disarm()

    def forget(self) -> None:
        """An operator stopped the watcher: it stays down until somebody starts it."""
        self._wake = None
        self._alarm.disarm()

    def rearm(self) -> None:
        """The watcher has come down by itself: wait for the next activity, if it has started on demand."""
        if self._wake is not None:
            self.arm(self._wake)

    def sockets_changed(self) -> None:
        """Other descriptors count from here on: wait for those."""
        if self.is_armed:
            self._alarm.disarm()
            self.rearm()

    def is_served(self) -> bool:
        """Whether nothing waits at the watcher's sockets: what it was started for is done."""
        poll = select.poll()
        for fd in self._fds():
            poll.register(fd, select.POLLIN)
        return not poll.poll(0)

    def _fds(self) -> tuple[int, ...]:
        config = self._charge.config
        if not config.use_sockets:
            return ()
        around = self._charge.means.surroundings()
        names = inherited_sockets(config, around.socket_fds, around.laned)
        return tuple(around.socket_fds[name] for name in names)
