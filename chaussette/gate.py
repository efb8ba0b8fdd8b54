"""The gate before shared sockets: of many workers, a few watch for connections at once, and the others stand by.

Where every idle worker watches, the connections of one burst wake one worker each, and dozens of processes with cold
caches take turns on two processors. So there are seats, two for each processor: who has one watches. No connection is
to wait for those who are seated and stuck while another worker is idle: whoever stands by is woken by an alarm, and

- where one who is seated waits for something in one turn of its loop, a database say, takes one more seat. There are as
  many as it takes while that goes on, and those that were added go again a second after;
- where one needs the processor itself for as long as `STUCK_S`, or has ended, takes that one's seat. It sees so when it
  comes to rest.

What is shared is a page of memory, and a timer that all can wait for. They stay as long as anyone has them open:

    word
       0   MAGIC
       1   SEATS: how many there are always
       2   ARMED: when the timer was set, CLOCK_MONOTONIC in ns; 0 while it does not run
       3   ADDED: how many more there are now
       4   WAITED: when somebody was seen waiting last, CLOCK_MONOTONIC in ns
     256   OWNER of each seat: the process id, 0: nobody
     512   DUE: when its turn is late, CLOCK_MONOTONIC in ns; 0 while it waits for something to do
     768   LOOK: when others look at it again, which was late; -DUE: it has got its substitute for this turn

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

# When a worker's turn is looked at, and again.
LATE_S, AGAIN_S = 0.005, 0.01
# When its seat is vacant although it works, or would if it got a processor. One worker more has no use for the
# processors then, but what waits should not wait for all of a long turn.
STUCK_S = 0.03
MOST_SEATS = 256

_LATE_NS, _AGAIN_NS, _STUCK_NS = (round(seconds * 1e9) for seconds in (LATE_S, AGAIN_S, STUCK_S))
# How long seats that were added stay after somebody was seen waiting.
_ADDED_NS = 1_000_000_000
# An alarm that nobody has answered for so long went to somebody who has ended: it is set again.
_LOST_NS = 100_000_000
# "CIRCUSGT" as it stands in the file of a little-endian machine.
_MAGIC = int.from_bytes(b"CIRCUSGT", "little")
_H_MAGIC, _H_SEATS, _H_ARMED, _H_ADDED, _H_WAITED = range(5)
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
        self._seat = 0

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
        return self._words[_OWNER + self._seat] == self._pid

    def works(self) -> None:
        """A turn of the loop of one who is seated begins."""
        words, now = self._words, monotonic_ns()
        words[_DUE + self._seat] = now + _LATE_NS
        if not 0 <= now - words[_H_ARMED] < _LOST_NS:
            words[_H_ARMED] = now
            self._set(_IN_TIME)

    def rests(self) -> bool:
        """It is over: from now on we wait. Whether the seat is still ours: another one may have it, or nobody needs it
        any more."""
        words, seat = self._words, self._seat
        if words[_OWNER + seat] != self._pid:
            return False
        words[_DUE + seat] = 0
        if seat < self._seats or not self._is_too_many(seat):
            return True
        words[_H_ADDED] = min(words[_H_ADDED], seat - self._seats)
        words[_OWNER + seat] = 0
        return False

    def _is_too_many(self, seat: int) -> bool:
        return seat >= self._count() or monotonic_ns() - self._words[_H_WAITED] > _ADDED_NS

    def sit(self) -> bool:
        """Take a seat that is vacant, one more where somebody is seen waiting; whether there was one."""
        try:
            fcntl.lockf(self.page_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # Another one takes a seat at this moment. There may be two.
            self._set(_IN_TIME)
            return False
        try:
            self._add_seats()
            for seat in range(self._count()):
                if self._is_vacant(seat):
                    self._seat = seat
                    self._words[_DUE + seat] = 0
                    self._words[_OWNER + seat] = self._pid
                    return True
            return False
        finally:
            fcntl.lockf(self.page_fd, fcntl.LOCK_UN)

    def rise(self) -> None:
        """Give the seat up, to the next who stands by."""
        if self.is_seated:
            self._words[_DUE + self._seat] = 0
            self._words[_OWNER + self._seat] = 0
            self._set(_NOW)

    def answer(self) -> bool:
        """The alarm has gone off: take a seat if one is vacant now. Whether there was one."""
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

    def look(self) -> None:
        """Ring if one who has a seat has ended: there may be no supervisor, or another one, who would."""
        owners = self._words[_OWNER : _OWNER + self._count()].tolist()
        if any(owner and not _is_alive(owner) for owner in owners):
            self._set(_NOW)

    def vacate(self, pid: int) -> None:
        """The worker has ended, and its seat is free. Another one looks in any case: it may have been this one that the
        alarm had woken."""
        words = self._words
        for seat in range(MOST_SEATS):
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

    def _count(self) -> int:
        """How many seats there are now."""
        return min(self._seats + max(0, self._words[_H_ADDED]), MOST_SEATS)

    def _add_seats(self) -> None:
        """One for each who is late and waits for something: it will be back, and until then it is no use here."""
        words, now = self._words, monotonic_ns()
        added = 0
        for seat in range(self._count()):
            owner, due, look = words[_OWNER + seat], words[_DUE + seat], words[_LOOK + seat]
            if not owner or not 0 < due < now or look == -due or now < look <= now + _AGAIN_NS:
                continue
            if _is_running(owner):
                words[_LOOK + seat] = now + _AGAIN_NS
            else:
                words[_LOOK + seat] = -due
                added += 1
        if added:
            words[_H_ADDED] = min(self._count() + added, MOST_SEATS) - self._seats
            words[_H_WAITED] = now

    def _is_vacant(self, seat: int) -> bool:
        owner, due = self._words[_OWNER + seat], self._words[_DUE + seat]
        if owner == 0:
            return True
        if 0 < due < monotonic_ns() - _STUCK_NS and _is_running(owner):
            return True
        return not _is_alive(owner)

    def _set_for_others(self) -> None:
        """The timer, once more, as long as anyone has something to do, or a seat is vacant."""
        count = self._count()
        if any(map(self._is_vacant, range(count))):
            self._set(_NOW)
        elif any(self._words[_DUE : _DUE + count]):
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
