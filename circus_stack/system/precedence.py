"""This process before all others for a moment: real-time scheduling of all its threads, where the kernel allows it."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

# The lowest real-time priority is above everything that has none. Children begin with what is usual.
_FIRST = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
_lock = threading.Lock()
_holders = 0
_before: dict[int, tuple[int, os.sched_param]] = {}


@contextlib.contextmanager
def ahead_of_others() -> Iterator[None]:
    """For the time of a hunt: whoever must be stopped before he forks must not run while we wait for a processor.

    All threads, since whichever holds the interpreter's lock must go on for another to have it. Without CAP_SYS_NICE
    everything stays as it is. The kernel leaves a part of each second to others (sched_rt_runtime_us).
    """
    global _holders
    with _lock:
        _holders += 1
        if _holders == 1:
            _go_ahead()
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0:
                _go_back()


def _go_ahead() -> None:
    for name in os.listdir("/proc/self/task"):  # noqa: PTH208 - names only
        thread = int(name)
        with contextlib.suppress(OSError):
            _before[thread] = os.sched_getscheduler(thread), os.sched_getparam(thread)
            os.sched_setscheduler(thread, _FIRST, os.sched_param(1))


def _go_back() -> None:
    for thread, (policy, param) in _before.items():
        # It may have ended meanwhile.
        with contextlib.suppress(OSError):
            os.sched_setscheduler(thread, policy, param)
    _before.clear()
