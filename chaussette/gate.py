"""The gate before shared sockets: of many workers, a few watch for connections at once, and the others stand by.

Where every idle worker watches, the connections of one burst wake one worker each, and dozens of processes with cold
caches take turns on two processors. So there are seats, two for each processor: who has one watches. A worker that
is stuck in one turn of its loop has its seat taken by the next who stands by, and sees so when it comes to rest: no
connection waits long for those who are busy while another one is idle.

What is shared is a page of memory, and a timer that all can wait for. They stay as long as anyone has them open:

    word
       0   MAGIC
       1   SEATS: how many
       2   ARMED: when the timer was set, CLOCK_MONOTONIC in ns; 0 while it does not run
     256   OWNER of each seat: the process id, 0: nobody
     512   DUE: when its turn is late, CLOCK_MONOTONIC in ns; 0 while it waits for something to do
     768   LOOK: when others look at it again, which was late

Each word is one aligned 8-byte store. Seats change hands under a lock of the page (fcntl(2), so that it ends with the
process), which nobody waits for. Workers trust each other here: they are one watcher's, and of one user.
"""

from __future__ import annotations

import ctypes
import fcntl
import mmap
import os
from pathlib import Path
from time import monotonic_ns

# When a worker's turn is looked at, and again: its seat is vacant if it waits for something, whatever that is.
LATE_S, AGAIN_S = 0.005, 0.01
# When its seat is vacant although it works, or would if it got a processor. One worker more has no use for the
# processors then, but what waits should not wait for all of a long turn.
STUCK_S = 0.03
MOST_SEATS = 256

_LATE_NS, _AGAIN_NS, _STUCK_NS = (round(seconds * 1e9) for seconds in (LATE_S, AGAIN_S, STUCK_S))
# An alarm that nobody has answered for so long went to somebody who has ended: it is set again.
_LOST_NS = 100_000_000
# "CIRCUSGT" as it stands in the file of a little-endian machine.
_MAGIC = int.from_bytes(b"CIRCUSGT", "little")
_H_MAGIC, _H_SEATS, _H_ARMED = range(3)
_OWNER, _DUE, _LOOK = 256, 512, 768
_PAGE_BYTES = 8192
# linux/timerfd.h; os has them from Python 3.13 on.
_TFD_NONBLOCK, _TFD_CLOEXEC = 0o4000, 0o2000000
_CLOCK_MONOTONIC = 1
_libc = ctypes.CDLL(None, use_errno=True)


class _Timer(ctypes.Structure):
    """itimerspec: every `interval`, 0 for once, and first after `value`."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


_IN_TIME = _Timer(0, 0, 0, _LATE_NS)
_NOW = _Timer(0, 0, 0, 1)


class Gate:
    """The seats of one watcher's workers. One process is one worker: a fork makes its own of the descriptors."""

    def __init__(self, page_fd: int, alarm_fd: int, pid: int | None = None) -> None:
        """`pid` is the worker's, ours if it is left out. Raises OSError and ValueError where they are no gate."""
        self.page_fd, self.alarm_fd = page_fd, alarm_fd
        self._map = mmap.mmap(page_fd, _PAGE_BYTES)
        self._words = memoryview(self._map).cast("q")
        self._seats = self._words[_H_SEATS]
        if self._words[_H_MAGIC] != _MAGIC or not 0 < self._seats <= MOST_SEATS:
            raise ValueError(f"descriptor {page_fd} is no gate")
        self._pid = pid or os.getpid()
        self._owner, self._due = _OWNER, _DUE

    @classmethod
    def create(cls, name: str, seats: int) -> Gate:
        """A new one, without a file anywhere, with 1 to `MOST_SEATS` seats. Raises OSError."""
        page_fd = os.memfd_create(name, os.MFD_CLOEXEC)
        try:
            words = memoryview(bytearray(_PAGE_BYTES)).cast("q")
            words[_H_MAGIC], words[_H_SEATS] = _MAGIC, seats
            os.write(page_fd, words)
            alarm_fd = _libc.timerfd_create(_CLOCK_MONOTONIC, _TFD_NONBLOCK | _TFD_CLOEXEC)
            if alarm_fd < 0:
                error = ctypes.get_errno()
                raise OSError(error, os.strerror(error))
        except BaseException:
            os.close(page_fd)
            raise
        return cls(page_fd, alarm_fd)

    @property
    def is_seated(self) -> bool:
        """Whether we have a seat: another worker may have taken it."""
        return self._words[self._owner] == self._pid

    def works(self) -> None:
        """A turn of the loop of one who is seated begins."""
        words, now = self._words, monotonic_ns()
        words[self._due] = now + _LATE_NS
        if not 0 <= now - words[_H_ARMED] < _LOST_NS:
            words[_H_ARMED] = now
            self._set(_IN_TIME)

    def rests(self) -> None:
        """It is over: from now on we wait."""
        self._words[self._due] = 0

    def sit(self) -> bool:
        """Take a seat that is vacant; whether there was one."""
        try:
            fcntl.lockf(self.page_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # Another one takes a seat at this moment. There may be two.
            self._set(_IN_TIME)
            return False
        try:
            for seat in range(self._seats):
                if self._is_vacant(seat):
                    self._owner, self._due = _OWNER + seat, _DUE + seat
                    self._words[self._due] = 0
                    self._words[self._owner] = self._pid
                    return True
            return False
        finally:
            fcntl.lockf(self.page_fd, fcntl.LOCK_UN)

    def rise(self) -> None:
        """Give the seat up, to the next who stands by."""
        if self.is_seated:
            self._words[self._due] = 0
            self._words[self._owner] = 0
            self._set(_NOW)

    def answer(self) -> bool:
        """The alarm has gone off: take the seat of one who is late, or gone. Whether there was one."""
        try:
            os.read(self.alarm_fd, 8)
        except BlockingIOError:
            # Another one has answered.
            return False
        # First: whoever works from here on sets the alarm itself.
        self._words[_H_ARMED] = 0
        is_seated = self.sit()
        self._set_for_others()
        return is_seated

    def vacate(self, pid: int) -> None:
        """The worker has ended, and its seat is free. Another one looks in any case: it may have been this one that the
        alarm had woken."""
        words = self._words
        for seat in range(self._seats):
            if words[_OWNER + seat] == pid:
                words[_DUE + seat] = 0
                words[_OWNER + seat] = 0
        self._set(_NOW)

    def close(self) -> None:
        """Give the descriptors up; others may go on with theirs."""
        self._words.release()
        self._map.close()
        os.close(self.page_fd)
        os.close(self.alarm_fd)

    def _is_vacant(self, seat: int) -> bool:
        words = self._words
        owner, due = words[_OWNER + seat], words[_DUE + seat]
        if owner == 0:
            return True
        now = monotonic_ns()
        if due == 0 or now < due:
            return not _is_alive(owner)
        if now > due + _STUCK_NS:
            return True
        if now < words[_LOOK + seat] <= now + _AGAIN_NS:
            return False
        words[_LOOK + seat] = now + _AGAIN_NS
        return not _is_running(owner)

    def _set_for_others(self) -> None:
        """The timer, once more, as long as anyone has something to do, or a seat is vacant."""
        if any(map(self._is_vacant, range(self._seats))):
            self._set(_NOW)
        elif any(self._words[_DUE : _DUE + self._seats]):
            self._words[_H_ARMED] = monotonic_ns()
            self._set(_IN_TIME)

    def _set(self, timer: _Timer) -> None:
        _libc.timerfd_settime(self.alarm_fd, 0, ctypes.byref(timer), None)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _is_running(pid: int) -> bool:
    """Whether its main thread has a processor, or waits for one."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat[stat.rfind(b")") + 2 :].startswith(b"R")
