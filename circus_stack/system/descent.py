"""Who descends from whom: the subreaper flag, process groups and left-over children. Linux's own calls, no policy."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

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


def signal_own_group(pgid: int, signum: int) -> bool:
    """Signal a process group whose leader is reaped, if any member is a descendant of ours; False where none is.

    Its number stays taken as long as a member lives; when the last one is gone it may become a stranger's, whose group
    must not be hit. Reads all of /proc: for the rare moment after a grace time, not for each exit.
    """
    return has_own_member(pgid) and signal_group(pgid, signum)


def has_own_member(pgid: int) -> bool:
    """Whether a descendant of ours, a zombie included, is in that process group."""
    return any(_group_of(pid) == pgid for pid in descendants())


def has_living_member(pgid: int) -> bool:
    """Whether anybody is in that process group who is not a zombie: one whose parent never reaps keeps the group's
    number for as long as that parent lives. Reads all of /proc."""
    return any(_is_living_member(each, pgid) for each in Path("/proc").iterdir() if each.name.isdigit())


def _is_living_member(process: Path, pgid: int) -> bool:
    try:
        # proc(5): the program's name, in parentheses, may hold anything; then state, parent, group.
        state, _parent, group = (process / "stat").read_bytes().rpartition(b")")[2].split()[:3]
    except OSError:
        return False
    return int(group) == pgid and state not in (b"Z", b"X")


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def session_of(pid: int) -> int | None:
    """The session that a process belongs to, which is the pid of the child that we started; None when it is gone."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def descendants(pid: int | None = None, *, recursive: bool = True) -> list[int]:
    """Pids of the children of `pid` (of this process if None), and with `recursive` of theirs, nearest first."""
    # Here, since it takes its time to import, and a start seldom asks.
    import psutil

    try:
        return [process.pid for process in psutil.Process(pid).children(recursive=recursive)]
    except psutil.NoSuchProcess:
        return []


def is_alive(pid: int) -> bool:
    """Whether there is a process of that number, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
