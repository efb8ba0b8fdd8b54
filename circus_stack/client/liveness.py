"""Whether a stack lives: the arbiter holds a lock as long as it does, however it ends. Asks the lock, never a pid."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from circus_stack.protocol.rundir import RuntimePaths


def is_alive(paths: RuntimePaths) -> bool:
    """Whether an arbiter holds the lock of a runtime directory."""
    with _locked(paths.lock, fcntl.LOCK_SH) as is_free:
        return is_free is False


def remove_if_dead(paths: RuntimePaths) -> None:
    """Remove what a stack that was killed has left: its sockets and its record, and nothing that isn't known here, nor
    what one of its processes still listens at: the next arbiter adopts that."""
    with _locked(paths.lock, fcntl.LOCK_EX) as is_free:
        if not is_free:
            return
        kept = {path for path in paths.outliving if _has_listener(path)}
        for path in {*paths.own_files, paths.lock} - kept:
            with contextlib.suppress(OSError):
                path.unlink()
        with contextlib.suppress(OSError):
            paths.directory.rmdir()


def _has_listener(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except BlockingIOError:
            # Its queue is full.
            return True
        except OSError:
            return False
    return True


@contextlib.contextmanager
def _locked(path: Path, how: int) -> Iterator[bool | None]:
    """Hold the lock for the block, and tell whether it could be had; None where there is no lock at all.

    A file that was removed between the opening and the locking is no lock: another stack may have one in its place.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        yield None
        return
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True if _is_still(path, fd) else None
    finally:
        os.close(fd)


def _is_still(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(fd))
    except OSError:
        return False
