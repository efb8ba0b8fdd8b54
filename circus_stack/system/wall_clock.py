"""Waking up at a time of day: one descriptor of the kernel's, that also tells when somebody sets the clock.

A timer of the loop counts seconds: it would come too late after a suspend and at a wrong time after the clock was set.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import time
from collections.abc import Callable
from datetime import UTC, tzinfo
from pathlib import Path

# timerfd_create(2); Python has it from 3.13 on. Of its flags two are those of files.
_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
_ABSTIME = 1
_CANCEL_ON_SET = 2
_LOCALTIME = Path("/etc/localtime")


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("value", _Timespec))


_libc = ctypes.CDLL(None, use_errno=True)


class WallClockAlarm:
    """Calls `ring(was_set)` when its time has come, or, with True, when the clock was set meanwhile. Raises OSError."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[bool], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._fd = _check(_libc.timerfd_create(time.CLOCK_REALTIME, _FLAGS))
        loop.add_reader(self._fd, self._look)

    def set(self, epoch: float) -> None:
        """Ring at that time, in seconds since the epoch, in place of the time before; at once if it has passed."""
        seconds, rest = divmod(max(epoch, 1.0), 1)
        value = _Itimerspec(_Timespec(0, 0), _Timespec(int(seconds), int(rest * 1e9)))
        _check(_libc.timerfd_settime(self._fd, _ABSTIME | _CANCEL_ON_SET, ctypes.byref(value), None))

    def close(self) -> None:
        """Ring no more."""
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _look(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ECANCELED:
                raise
            self._ring(True)
        else:
            self._ring(False)


def _check(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def machine_zone(name: str | None) -> tzinfo:
    """The machine's time zone; `name` is what the variable TZ says, and wins where it is a zone's name."""
    # Here, since few stacks have a schedule.
    from zoneinfo import ZoneInfo

    if name:
        try:
            return ZoneInfo(name.removeprefix(":"))
        except (OSError, ValueError):
            # A rule, as POSIX has it: the machine's own zone is the better guess.
            pass
    try:
        with _LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (OSError, ValueError):
        return UTC
