"""Forks workers so that they are nobody's children but the supervisor's: through a midwife, a child that ends at once.

One midwife forks all workers of a request: a fork of a large process costs a millisecond.
"""

from __future__ import annotations

import os
import struct

# Those of the system: a patched fork would start watchers in a hub, a patched waitpid would wait in one.
from os import _exit as native_exit
from os import fork as native_fork
from os import waitpid as native_waitpid

_PID = struct.Struct("i")


def fork_all(count: int) -> tuple[list[int], int] | int:
    """Fork so many workers. In the zygote: their pids, and the error number of what stopped it before the last, or 0.
    In a worker: its place among them."""
    try:
        pids_in, pids_out = os.pipe2(os.O_CLOEXEC)
    except OSError as error:
        return [], error.errno or 0
    try:
        midwife = native_fork()
    except OSError as error:
        os.close(pids_in)
        os.close(pids_out)
        return [], error.errno or 0
    if midwife == 0:
        place = _deliver(count, pids_out)
        os.close(pids_in)
        os.close(pids_out)
        return place
    os.close(pids_out)
    # Her end makes the workers orphans: whoever hears of their pids is to have adopted them.
    native_waitpid(midwife, 0)
    pids, errno = _read(pids_in)
    os.close(pids_in)
    return pids, errno


def _deliver(count: int, pids_out: int) -> int:
    """Returns in the workers alone."""
    # Until a worker has a session of its own it is in hers: whatever ends her, or the zygote with all of its group, no
    # worker was ever in the zygote's.
    os.setsid()
    for place in range(count):
        try:
            pid = native_fork()
        except OSError as error:
            os.write(pids_out, _PID.pack(-(error.errno or 1)))
            break
        if pid == 0:
            return place
        os.write(pids_out, _PID.pack(pid))
    native_exit(0)


def _read(pids_in: int) -> tuple[list[int], int]:
    """All of it is in the pipe: at most 253 numbers."""
    os.set_blocking(pids_in, False)
    try:
        data = os.read(pids_in, 64 * 1024)
    except BlockingIOError:
        data = b""
    found = [number for (number,) in _PID.iter_unpack(data[: len(data) - len(data) % _PID.size])]
    return [number for number in found if number > 0], -min([0, *found])
