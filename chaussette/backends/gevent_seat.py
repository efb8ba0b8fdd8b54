"""A gevent worker behind a gate: it watches its listening sockets while it has a seat, and the gate's alarm else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chaussette.backends.gevent_exclusive import ExclusiveWatch
from chaussette.gate_fds import GateFds

if TYPE_CHECKING:
    from chaussette.gate import Gate

# libev's flag for "tell me when there is something to read".
_READ = 1


class Seat:
    """Ours at `gate`, once all of `watches`, those of the sockets, are exclusive, until one of them ends or `close`.

    Where one of them cannot become exclusive, or the alarm's own cannot, all stays as it is without a gate.
    """

    def __init__(self, hub: Any, gate: Gate, watches: Sequence[ExclusiveWatch]) -> None:
        self._gate = gate
        self._watches = watches
        loop = hub.loop
        self._alarm = loop.io(gate.alarm_fd, _READ)
        self._alarm_watch = ExclusiveWatch(hub, gate.alarm_fd)
        # First of all that follows a wait, and last of all that comes before one: what greenlets do lies between.
        self._wakes = loop.check(ref=False, priority=loop.MAXPRI)
        self._rests = loop.prepare(ref=False, priority=loop.MINPRI)
        self._is_inside = False
        self._is_seated = False
        for watch in (*watches, self._alarm_watch):
            watch.seat = self

    @property
    def is_seated(self) -> bool:
        """Whether we watch, as far as we know: another one may have taken our seat while we were stuck."""
        return self._is_seated

    def open(self) -> None:
        """Begin; the watches of the sockets settle already."""
        self._alarm.start(self._on_alarm)
        self._alarm_watch.settle()

    def settled(self) -> None:
        """One of the watches is as exclusive as it can be: with the last of them we take part."""
        every = (*self._watches, self._alarm_watch)
        if self._is_inside or any(watch.is_settling for watch in every):
            return
        if not self._alarm_watch.is_exclusive:
            # It never will be.
            self._alarm.stop()
            return
        if not all(watch.is_exclusive for watch in every):
            # One of the sockets is not watched for want of descriptors, and comes back: the alarm is for others.
            self._alarm_watch.pause()
            return
        self._is_inside = True
        self._rests.start(self._on_rest)
        self._wakes.start(self._on_wake)
        self._alarm_watch.pause()
        self._is_seated = self._gate.sit()
        if not self._is_seated:
            self._stand()

    def ended(self) -> None:
        """A socket is not watched any more: neither is any other, nor the alarm, until all have settled again."""
        if not self._is_inside:
            return
        self._is_inside = False
        self._rests.stop()
        self._wakes.stop()
        if self._is_seated:
            self._is_seated = False
            self._gate.rise()
            return
        self._alarm_watch.pause()
        for watch in self._watches:
            if watch.is_exclusive:
                watch.resume()

    def look(self) -> None:
        """Now and then, as the worker's heartbeat comes: see whether those who are seated live."""
        if self._is_inside and not self._is_seated:
            self._gate.look()

    def go_last(self) -> None:
        """Let one of those who stand by have the next connections."""
        if self._is_seated:
            self._gate.rise()
            self._stand()

    def close(self) -> None:
        """For good."""
        self.ended()
        for watcher in (self._rests, self._wakes, self._alarm):
            watcher.stop()
            watcher.close()

    def _on_wake(self) -> None:
        # Another one may have taken the seat while we were stuck: that is seen at the next rest.
        if self._is_seated and self._gate.is_seated:
            self._gate.works()

    def _on_rest(self) -> None:
        if self._is_seated and not self._gate.rests():
            self._stand()

    def _on_alarm(self) -> None:
        if self._is_inside and not self._is_seated and self._gate.answer():
            self._is_seated = True
            self._alarm_watch.pause()
            for watch in self._watches:
                watch.resume()

    def _stand(self) -> None:
        self._is_seated = False
        for watch in self._watches:
            watch.pause()
        self._alarm_watch.resume()


def seat(hub: Any, fds: GateFds | None, watches: Sequence[ExclusiveWatch | None]) -> Seat | None:
    """The seat of a worker, open; None without a gate, or where a socket has no exclusive watch."""
    exclusive = [watch for watch in watches if watch is not None]
    if fds is None or not exclusive or len(exclusive) < len(watches):
        return None
    # Here: most workers are behind no gate, and ctypes is half a megabyte.
    from chaussette.gate import Gate

    found = Seat(hub, Gate(*fds), exclusive)
    found.open()
    return found
