"""Who descends from whom: the subreaper flag, process groups and left-over children. Linux's own calls, no policy."""

from __future__ import annotations

import ctypes
import os

import psutil

# linux/prctl.h
_PR_SET_CHILD_SUBREAPER = 36


def become_subreaper() -> None:
    """Orphaned descendants become children of this process, so that they can be reaped and ended."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def signal_group(pgid: int, signum: int) -> bool:
    """Signal each member of a process group; 0 only asks whether there is one. False where there is none."""
    try:
        os.killpg(pgid, signum)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Members exist that changed their user: only root may signal those, and whoever sees this is not root.
        return True
    return True


def session_of(pid: int) -> int | None:
    """The session that a process belongs to, which is the pid of the child that we started; None when it is gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def descendants(pid: int | None = None, *, recursive: bool = True) -> list[int]:
    """Pids of the children of `pid` (of this process if None), and with `recursive` of theirs, nearest first."""
    try:
        return [process.pid for process in psutil.Process(pid).children(recursive=recursive)]
    except psutil.NoSuchProcess:
        return []
