"""Watching a listening socket that other processes watch too, so that the kernel wakes one of us for a connection.

With a plain watch all who wait are woken, one gets the connection, and the others have run for nothing. Linux wakes
only one of those that watch with EPOLLEXCLUSIVE: the first in line that really sleeps in that very epoll, so never one
that is busy. libev doesn't know that flag. Its own registration is therefore replaced by one that differs in the flag
alone; where libev changes it or makes its epoll anew, ours becomes a plain watch again, which is slower and as right.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from chaussette.settings import Settings
from chaussette.sockets import Listener

# What libev told the kernel to hand back with each event: the descriptor, and a number that it checks.
_ENTRY = re.compile(r"^tfd:\s*(\d+) events:\s*([0-9a-f]+) data:\s*([0-9a-f]+)", re.MULTILINE)
# How long connections are accepted before those go first who are ready to run: a third of the kernel's time slice.
_TURN_S = 0.001
# A client that has said nothing for so long does not begin with its request: under load that follows sooner.
SILENCE_S = 0.05


class SeatHolder(Protocol):
    """Who decides when we watch, behind a gate."""

    @property
    def is_seated(self) -> bool:
        """Whether we watch now."""

    def settled(self) -> None:
        """The watch is as exclusive as it can be."""

    def ended(self) -> None:
        """It is over, for good or for a while."""

    def go_last(self) -> None:
        """The next connections are for others."""


class ExclusiveWatch:
    """Turns the watch on `fd`, which a watcher of the hub's loop has begun, into an exclusive one."""

    def __init__(self, hub: Any, fd: int) -> None:
        from chaussette.backends import epoll_entry

        self._entry = epoll_entry
        self._loop = hub.loop
        self._fd = fd
        self._epoll = -1
        self._data = 0
        self._settling: Any = None
        self._turn_ends = 0.0
        # Where there is a gate: told once we watch, and when we stop.
        self.seat: SeatHolder | None = None

    @property
    def is_exclusive(self) -> bool:
        """Whether it has become one; False where this kernel, or another loop than libev's with epoll, can't."""
        return self._epoll >= 0

    def settle(self) -> None:
        """Do so once libev has told the kernel of its watcher: in the next turn of the loop."""
        self._unsettle()
        self._settling = self._loop.timer(0)
        self._settling.start(self._settle)

    @property
    def is_settling(self) -> bool:
        """Whether that is still to come."""
        return self._settling is not None

    def _settle(self) -> None:
        self._unsettle()
        if self._loop.backend == "epoll":
            self._replace()
        if self.seat is not None:
            self.seat.settled()

    def _replace(self) -> None:
        epoll: int = self._loop.fileno()
        with contextlib.suppress(OSError):
            for fd, events, data in _ENTRY.findall(Path(f"/proc/self/fdinfo/{epoll}").read_text()):
                # EPOLLERR and EPOLLHUP are always added.
                if int(fd) == self._fd and int(events, 16) & 0x7 == self._entry.EPOLLIN:
                    self._data = int(data, 16)
                    self._control(epoll, self._entry.DEL)
                    self._add(epoll)

    def _add(self, epoll: int) -> None:
        try:
            self._control(epoll, self._entry.ADD, self._entry.EPOLLIN | self._entry.EPOLLEXCLUSIVE)
            self._epoll = epoll
        except OSError:
            self._epoll = -1
            self._control(epoll, self._entry.ADD, self._entry.EPOLLIN)

    def pause(self) -> None:
        """Be woken no more until `resume`."""
        with contextlib.suppress(OSError):
            self._control(self._epoll, self._entry.DEL)

    def resume(self) -> None:
        """Be woken again, also for what has come meanwhile; last of all who wait."""
        with contextlib.suppress(OSError):
            self._add(self._epoll)

    def go_last(self) -> None:
        """Let all others who wait have the next connections: who keeps the one that he got has more to do from now on.

        Who doesn't stays where he is: few warm processes serve better than all of them in turn.
        """
        if self.seat is not None:
            self.seat.go_last()
        else:
            self.go_behind()

    def go_behind(self) -> None:
        """Let those who watch, too, have the next connection. Behind a gate that is those who have a seat: all the
        others in turn would begin each with cold caches."""
        if self.is_exclusive and (self.seat is None or self.seat.is_seated):
            with contextlib.suppress(OSError):
                self._control(self._epoll, self._entry.DEL)
                self._add(self._epoll)

    def taken(self) -> None:
        """One more is about to be accepted. Once a millisecond those go first who wait for a processor: they may hold
        connections, while who is here is between two of his own, and would go on until his time slice is over."""
        if monotonic() >= self._turn_ends:
            os.sched_yield()
            # Anew: the time of the others is not ours.
            self._turn_ends = monotonic() + _TURN_S

    def end(self) -> None:
        """Be woken no more. Whoever stops his watcher calls this first, and then accepts what has woken him already:
        the kernel has told nobody else of that."""
        self._unsettle()
        if self.is_exclusive:
            with contextlib.suppress(OSError):
                self._control(self._epoll, self._entry.DEL)
            self._epoll = -1
        if self.seat is not None:
            self.seat.ended()

    def _unsettle(self) -> None:
        if self._settling is not None:
            self._settling.stop()
            self._settling.close()
            self._settling = None

    def _control(self, epoll: int, operation: int, events: int = 0) -> None:
        self._entry.control(epoll, operation, self._fd, events, self._data)


def exclusive_watch(hub: Any, listener: Listener, settings: Settings) -> ExclusiveWatch | None:
    """One for `listener`, None where nobody else accepts on it, or where it isn't wanted.

    Nor with a bound on connections: what has woken a process that then takes no more would wake nobody else.
    """
    if not (settings.exclusive and listener.is_shared) or listener.is_queue_ours or settings.spawn is not None:
        return None
    return ExclusiveWatch(hub, listener.sock.fileno())
