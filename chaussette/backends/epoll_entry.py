"""One entry of an epoll, with what the kernel hands back in words of the caller's choice: the standard library's epoll
hands back the descriptor, and libev a number beside it that it checks. Imported by those who share a socket: ctypes is
half a megabyte.
"""

from __future__ import annotations

import ctypes
import os
import platform

EPOLLIN, EPOLLEXCLUSIVE = 0x1, 1 << 28
ADD, DEL = 1, 2
_libc = ctypes.CDLL(None, use_errno=True)


class _Event(ctypes.Structure):
    """epoll_event; the kernel's headers pack it on this one machine."""

    _pack_ = 1 if platform.machine() == "x86_64" else 8
    _fields_ = (("events", ctypes.c_uint32), ("data", ctypes.c_uint64))


def control(epoll: int, operation: int, fd: int, events: int, data: int) -> None:
    """epoll_ctl(2). Raises OSError."""
    event = _Event(events, data)
    if _libc.epoll_ctl(epoll, operation, fd, ctypes.byref(event)):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
