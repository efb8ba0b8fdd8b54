"""Descriptors of other processes: which they hold, and how to have them, too. No policy.

A descriptor is known by the text of its link in /proc, `socket:[INODE]` or `pipe:[INODE]`: whatever number it has, and
in whichever process, the same text is the same socket or pipe for as long as one process holds it.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

# asm-generic/unistd.h; the C library of Debian 12 has no function for it, and Python none either.
_SYS_PIDFD_GETFD = 438
# No process has that many open.
_NO_NUMBER = 2**31 - 1


def fd_name(fd: int) -> str:
    """The text by which a descriptor of this process is known everywhere."""
    status = os.fstat(fd)
    # Two for each process that starts: made here, the text costs a tenth of what reading the link does.
    if stat.S_ISFIFO(status.st_mode):
        return f"pipe:[{status.st_ino}]"
    if stat.S_ISSOCK(status.st_mode):
        return f"socket:[{status.st_ino}]"
    return str(Path(f"/proc/self/fd/{fd}").readlink())


def fds_of(pid: int) -> dict[str, int]:
    """What a process holds: text -> the lowest of its numbers. Empty where it is gone or not ours to look at."""
    found: dict[str, int] = {}
    with contextlib.suppress(OSError):
        for entry in sorted(Path(f"/proc/{pid}/fd").iterdir(), key=lambda each: int(each.name)):
            with contextlib.suppress(OSError):
                found.setdefault(str(entry.readlink()), int(entry.name))
    return found


def holders(names: Collection[str]) -> Iterator[tuple[int, str, int]]:
    """(pid, text, number) for each process that holds one of these. Reads the descriptors of every process there is."""
    wanted = frozenset(names)
    if not wanted:
        return
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            for name, number in fds_of(int(entry.name)).items():
                if name in wanted:
                    yield int(entry.name), name, number


def fetch_fd(pid: int, number: int) -> int:
    """A duplicate of another process's descriptor, close-on-exec: the very same open socket, flags and queue included.

    Raises OSError: EPERM where the kernel forbids it (another user's process, Yama, a container's filter), ESRCH and
    EBADF where process or descriptor are gone.
    """
    pidfd = os.pidfd_open(pid)
    try:
        return _getfd(pidfd, number)
    finally:
        os.close(pidfd)


def reopen_pipe(pid: int, number: int) -> int:
    """Our own end for reading of a pipe that another process holds; non-blocking, which doesn't touch the other's end.

    Raises OSError.
    """
    return os.open(f"/proc/{pid}/fd/{number}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def may_fetch(pid: int) -> bool:
    """Whether the kernel would let us have a descriptor of that very process; True also where it is gone, since nothing
    is withheld then. It refuses another user's process, and one that isn't dumpable, to all but CAP_SYS_PTRACE."""
    try:
        os.close(fetch_fd(pid, _NO_NUMBER))
    except OSError as error:
        # The right is asked for before the number is looked at.
        return error.errno not in (errno.EPERM, errno.EACCES)
    return True


def can_fetch() -> bool:
    """Whether the kernel, and what filters its calls, lets processes fetch descriptors at all."""
    try:
        # Of ourselves nothing but a filter, or a kernel without the call, can refuse it.
        os.close(fetch_fd(os.getpid(), 0))
    except OSError as error:
        return error.errno == errno.EBADF
    return True


def _getfd(pidfd: int, number: int) -> int:
    fd: int = _libc().syscall(_SYS_PIDFD_GETFD, pidfd, number, 0)
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return fd


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
