"""A want of descriptors or memory while accepting: how long it is waited out, and who is woken in our place."""

from __future__ import annotations

import _socket
import contextlib
import errno
import os

# What gevent patches of `os` waits for the hub: the descriptor is to be free at once.
import posix
from typing import Any

# How long accepting pauses.
SHORTAGE_S = 0.5
SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
# A connection to a socket of this machine is there at once, or its queue is full: then nobody sleeps.
_KNOCK_S = 0.05


class Reserve:
    """One descriptor that is kept for the moment when there are no others.

    With an exclusive watch the kernel tells one worker of a connection, and nobody else: one that cannot take it, and
    watches no more, would leave it in the queue until another comes. No system call wakes those who sleep, but a
    connection does: so he makes one, which says nothing, with the descriptor that he has kept.
    """

    def __init__(self, listening: Any) -> None:
        self._listening = listening
        self._fd = -1
        self._keep()

    def _keep(self) -> None:
        with contextlib.suppress(OSError):
            self._fd = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def wake_another(self) -> None:
        """Have another worker look at the socket; whoever calls this watches it no more."""
        self.close()
        listening = self._listening
        try:
            with contextlib.closing(_socket.socket(listening.family, listening.type, listening.proto)) as knock:
                knock.settimeout(_KNOCK_S)
                knock.connect(listening.getsockname())
        except OSError:
            # Of the next connection somebody else is told.
            pass
        finally:
            self._keep()

    def is_short(self) -> bool:
        """Whether not one descriptor more could be had."""
        if self._fd < 0:
            self._keep()
        try:
            posix.close(posix.dup(self._fd))
        except OSError:
            return True
        return False

    def close(self) -> None:
        """Give it back."""
        if self._fd >= 0:
            posix.close(self._fd)
            self._fd = -1
