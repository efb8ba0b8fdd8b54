"""A file of lines that grows at its end, written by a thread of its own: whoever adds a line waits for no disk.

What the lines mean is somebody else's affair. Nothing is synced: the file is to survive its writer's death, not the
machine's, after which it means nothing. A lock tells whether the writer lives, however it ended.
"""

from __future__ import annotations

import fcntl
import os
import queue
import stat
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from circus_stack.errors import CircusStackError, StackRunningError
from circus_stack.system.fd_keeper_link import SOCKET_NAME

_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW
_LOCK, _JOURNAL, _FRESH, _SPOOL = "lock", "journal", "journal.new", "spool"
_NAMES = (_JOURNAL, _FRESH, _SPOOL, SOCKET_NAME, _LOCK)
# Whoever looks whether the writer lives takes the lock for a moment: that is no writer.
_PATIENCE_S = 0.5
_PAUSE_S = 0.005


class _Append(Struct, frozen=True):
    data: bytes


class _Replace(Struct, frozen=True):
    data: bytes


class JournalDirectory:
    """The directory of one journal, this user's alone, locked from `take` to `release` or to the end of the process."""

    def __init__(self, path: Path, directory_fd: int, lock_fd: int) -> None:
        self.path = path
        self._directory_fd = directory_fd
        self._lock_fd = lock_fd

    @classmethod
    def take(cls, path: Path) -> JournalDirectory:
        """Make the directory (0700) and lock it. Raises StackRunningError where a living process has the lock,
        CircusStackError where it belongs to somebody else, OSError where it cannot be made."""
        deadline = time.monotonic() + _PATIENCE_S
        while (taken := _try_take(path)) is None:
            if time.monotonic() > deadline:
                raise StackRunningError(f"this stack runs already: its state directory {path} is in use")
            time.sleep(_PAUSE_S)
        return cls(path, *taken)

    @classmethod
    def keep(cls, path: Path, lock_fd: int) -> JournalDirectory:
        """The directory of a lock that is held already, as it came through an exec. Raises as `take`."""
        return cls(path, open_private(path), lock_fd)

    @property
    def lock_fd(self) -> int:
        """The lock goes with it; negative once released."""
        return self._lock_fd

    @property
    def directory_fd(self) -> int:
        """The directory, open."""
        return self._directory_fd

    def read(self) -> bytes | None:
        """What a journal that was left says; None where there is none."""
        return _read(self._directory_fd, _JOURNAL)

    def read_spool(self) -> bytes:
        """What a writer that was killed has left in its spool."""
        return _read(self._directory_fd, _SPOOL) or b""

    def open_spool(self) -> int:
        """The file beside the journal that may be mapped; made if there is none. Raises OSError."""
        return os.open(_SPOOL, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600, dir_fd=self._directory_fd)

    def open_journal(self) -> int:
        """The journal, to be appended to; made if there is none."""
        return os.open(_JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _FLAGS, 0o600, dir_fd=self._directory_fd)

    def replace(self, data: bytes) -> int:
        """Put another journal in its place, whole or not at all, and open it to be appended to. Raises OSError."""
        with suppress(FileNotFoundError):
            os.unlink(_FRESH, dir_fd=self._directory_fd)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | _FLAGS
        fd = os.open(_FRESH, flags, 0o600, dir_fd=self._directory_fd)
        try:
            write_all(fd, data)
            os.rename(_FRESH, _JOURNAL, src_dir_fd=self._directory_fd, dst_dir_fd=self._directory_fd)
        except OSError:
            os.close(fd)
            raise
        return fd

    def release(self, *, remove: bool) -> None:
        """Give up the lock; with `remove` nothing is left: there is nothing to be found by who starts next."""
        if self._lock_fd < 0:
            return
        if remove:
            for name in _NAMES:
                with suppress(OSError):
                    os.unlink(name, dir_fd=self._directory_fd)
            with suppress(OSError):
                self.path.rmdir()
        os.close(self._directory_fd)
        os.close(self._lock_fd)
        self._lock_fd = -1


class Journal:
    """Writes, in the order of the calls. `on_trouble(error)` is called in the thread for the first write that fails
    after one that didn't; `on_recovery()` when writing works again: what was to be written meanwhile is lost."""

    def __init__(
        self, directory: JournalDirectory, on_trouble: Callable[[OSError], None], on_recovery: Callable[[], None]
    ) -> None:
        self._directory = directory
        self._on_trouble = on_trouble
        self._on_recovery = on_recovery
        self._orders: queue.SimpleQueue[_Append | _Replace | None] = queue.SimpleQueue()
        # What came behind lines that were put together; at most one.
        self._postponed: list[_Replace | None] = []
        self._fd = -1
        self._is_troubled = False
        self._thread = threading.Thread(target=self._run, name="circus-ledger", daemon=True)
        self._thread.start()

    def append(self, data: bytes) -> None:
        """Add whole lines."""
        self._orders.put(_Append(data))

    def replace(self, data: bytes) -> None:
        """Begin anew with these lines."""
        self._orders.put(_Replace(data))

    def close(self, timeout_s: float) -> bool:
        """Write what is to be written; False where the disk takes longer than that."""
        self._orders.put(None)
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (order := self._next()) is not None:
            try:
                self._carry_out(order)
            except OSError as error:
                if not self._is_troubled:
                    self._is_troubled = True
                    self._on_trouble(error)
            else:
                if self._is_troubled:
                    self._is_troubled = False
                    self._on_recovery()
        if self._fd >= 0:
            os.close(self._fd)

    def _next(self) -> _Append | _Replace | None:
        """The next order, with all that is only to be added after it: a thousand starts are no thousand writes."""
        if self._postponed:
            return self._postponed.pop()
        order = self._orders.get()
        lines = []
        while isinstance(order, _Append):
            lines.append(order.data)
            if self._orders.empty():
                return _Append(b"".join(lines))
            order = self._orders.get()
        if not lines:
            return order
        self._postponed.append(order)
        return _Append(b"".join(lines))

    def _carry_out(self, order: _Append | _Replace) -> None:
        if isinstance(order, _Replace):
            fd = self._directory.replace(order.data)
            if self._fd >= 0:
                os.close(self._fd)
            self._fd = fd
            return
        if self._fd < 0:
            self._fd = self._directory.open_journal()
        # What failed may have left half a line: it must not swallow this one.
        write_all(self._fd, b"\n" + order.data if self._is_troubled else order.data)


def _try_take(path: Path) -> tuple[int, int] | None:
    """The directory and its lock, open; None where the lock is held, or has just gone with its directory."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory_fd = open_private(path)
    try:
        lock_fd = _try_lock(directory_fd)
    except FileNotFoundError:
        lock_fd = None
    except BaseException:
        os.close(directory_fd)
        raise
    if lock_fd is None:
        os.close(directory_fd)
        return None
    return directory_fd, lock_fd


def _try_lock(directory_fd: int) -> int | None:
    lock_fd = os.open(_LOCK, os.O_RDWR | os.O_CREAT | _FLAGS, 0o600, dir_fd=directory_fd)
    try:
        fcntl.flock(lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The writer before may have removed the file between our open and our lock.
        if os.path.samestat(os.stat(_LOCK, dir_fd=directory_fd, follow_symlinks=False), os.fstat(lock_fd)):
            return lock_fd
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(lock_fd)
    return None


def write_all(fd: int, data: bytes) -> None:
    """Write it all; raises OSError, with a part written perhaps."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def _read(directory_fd: int, name: str) -> bytes | None:
    """What stands in a file of an open directory; None where there is none, or it is no file of our own."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _FLAGS, dir_fd=directory_fd)
    except OSError:
        return None
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            return None
        return file.read()


def open_private(path: Path) -> int:
    """A descriptor of a directory that is this user's alone from here on. Raises CircusStackError where it belongs to
    somebody else, OSError where it can't be opened."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | _FLAGS)
    owner = os.fstat(fd).st_uid
    if owner != os.geteuid():
        os.close(fd)
        raise CircusStackError(f"{path} belongs to user {owner}: what is written there could not be trusted")
    os.fchmod(fd, 0o700)
    return fd


def is_locked(path: Path) -> bool:
    """Whether a living process has the journal of that directory."""
    try:
        fd = os.open(path / _LOCK, os.O_RDWR | _FLAGS)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
