"""The runtime directory of a running stack: made for one user alone, held by a lock, removed at the end.

What stands in it is somebody else's affair: paths and bytes come from outside.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from circus_stack.errors import CircusStackError, StackRunningError
from circus_stack.system.atomic_file import write_atomically
from circus_stack.system.descent import is_alive

# A client that looks whether a stack lives takes the lock for a moment: a start must not take that for a stack. A stack
# has its pid in the file, and is believed soon; where there is none, only clients can hold it.
_PATIENCE_S = 0.5
_PATIENCE_WITH_CLIENTS_S = 10.0
_PAUSE_S = 0.005


class _Vanished(OSError):  # noqa: N818
    """A client has removed the directory of a stack that was killed, just after we had made sure of it: try again."""


class RuntimeFiles(Protocol):
    """The paths: `own_files` are those that may go once nobody holds the lock."""

    @property
    def directory(self) -> Path:
        """Mode 0700."""

    @property
    def lock(self) -> Path:
        """Held as long as the stack runs; its text is the holder's pid."""

    @property
    def record(self) -> Path:
        """What the stack says of itself."""

    @property
    def own_files(self) -> tuple[Path, ...]:
        """Sockets and record."""

    @property
    def outliving(self) -> tuple[Path, ...]:
        """Those of `own_files` at which a process may still listen that the next arbiter adopts."""


class RuntimeDirectory:
    """Held from `acquire` to `release`, or to the end of the process, however that comes."""

    def __init__(self, files: RuntimeFiles, lock_fd: int) -> None:
        self._files = files
        self._lock_fd = lock_fd

    @classmethod
    def acquire(cls, files: RuntimeFiles) -> RuntimeDirectory:
        """Make the directory and take its lock; what a stack that was killed left there is removed, but for what
        others may still listen at.

        Raises StackRunningError, with the pid, if another process holds it, and CircusStackError if the directory
        cannot be made, or is not this user's alone.
        """
        held = cls(files, _take(files))
        held._remove(path for path in files.own_files if path not in files.outliving)
        return held

    @property
    def lock_fd(self) -> int:
        """The lock goes with it; negative once released."""
        return self._lock_fd

    def write_record(self, data: bytes) -> None:
        """Write what clients read, all at once."""
        write_atomically(self._files.record, data, 0o600)

    def release(self) -> None:
        """Remove what is ours, then give up the lock. Safe to call twice."""
        if self._lock_fd < 0:
            return
        self._remove(self._files.own_files)
        with contextlib.suppress(OSError):
            self._files.lock.unlink()
        with contextlib.suppress(OSError):
            self._files.directory.rmdir()
        os.close(self._lock_fd)
        self._lock_fd = -1

    def _remove(self, paths: Iterable[Path]) -> None:
        for path in paths:
            with contextlib.suppress(OSError):
                path.unlink()


def _make_private(directory: Path) -> None:
    try:
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_parent(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)
        _check_own(directory)
    except _Vanished:
        raise
    except OSError as error:
        raise CircusStackError(
            f"cannot make the runtime directory {directory}: {error.strerror}. "
            f"Set XDG_RUNTIME_DIR, or runtime_dir in [circus], to a directory that can be written"
        ) from None


def _check_parent(parent: Path) -> None:
    """Nobody but this user and root may be able to put another directory in the place of ours."""
    status = parent.stat()
    if status.st_uid not in (os.geteuid(), 0):
        raise CircusStackError(f"{parent} belongs to user {status.st_uid}: it is not safe to put sockets there")
    if status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX:
        raise CircusStackError(f"others can write to {parent}: chmod 0700 {parent} makes it safe to put sockets there")


def _check_own(directory: Path) -> None:
    try:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise _Vanished from error
    try:
        owner = os.fstat(fd).st_uid
        if owner != os.geteuid():
            raise CircusStackError(f"{directory} belongs to user {owner}: it is not safe to put sockets there")
        os.fchmod(fd, 0o700)
    finally:
        os.close(fd)


def _take(files: RuntimeFiles) -> int:
    """Make the directory and lock it; the lock's file descriptor."""
    began = time.monotonic()
    while True:
        try:
            _make_private(files.directory)
            fd = _try_lock(files.lock)
        except _Vanished:
            fd = None
        except OSError as error:
            raise CircusStackError(f"cannot lock {files.lock}: {error.strerror}") from None
        if fd is not None:
            return fd
        holder = _holder(files.lock)
        if time.monotonic() - began > (_PATIENCE_S if holder else _PATIENCE_WITH_CLIENTS_S):
            whose = f" as pid {holder}" if holder else ""
            raise StackRunningError(f"this stack runs already{whose}; its runtime directory is {files.directory}")
        time.sleep(_PAUSE_S)


def _try_lock(path: Path) -> int | None:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except FileNotFoundError as error:
        raise _Vanished from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        return None
    if not _is_still(path, fd):
        # A client, or the stack before, has removed the file between our open and our lock.
        os.close(fd)
        return None
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _is_still(path: Path, fd: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(fd))
    except FileNotFoundError:
        return False


def _holder(path: Path) -> int | None:
    """The pid of the stack that holds the lock; None for a lock that only clients look at."""
    try:
        pid = int(path.read_text())
    except (OSError, ValueError):
        return None
    return pid if is_alive(pid) else None
