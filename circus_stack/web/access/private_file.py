"""A small JSON file that only its owner reads, written as a whole: users, tokens, sessions, login links.

Several processes may write: each change is made under a lock, on what stands there then.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from circus_stack.errors import CircusStackError

T = TypeVar("T")

# None of these files comes near to it: whoever finds a larger one has found another file.
_MOST_BYTES = 4 * 2**20


class PrivateFile:
    """One such file: a mapping of records by name. Its directory is made when it is written."""

    def __init__(self, path: Path, record: type[T]) -> None:
        self.path = path
        self._type = dict[str, record]  # type: ignore[valid-type]
        self._known: dict[str, Any] = {}
        self._stamp: tuple[int, int, int] | None = None

    def read(self) -> dict[str, Any]:
        """What stands there; an empty mapping where there is no file. Raises CircusStackError for one that is no such
        file, or that others may write."""
        try:
            with self.path.open("rb") as file:
                state = os.fstat(file.fileno())
                stamp = (state.st_ino, state.st_mtime_ns, state.st_size)
                if stamp != self._stamp:
                    self._check(state)
                    self._known, self._stamp = self._decoded(file.read(_MOST_BYTES)), stamp
        except FileNotFoundError:
            self._known, self._stamp = {}, None
        except OSError as error:
            raise CircusStackError(f"{self.path} cannot be read: {error.strerror}") from None
        return dict(self._known)

    def change(self, make: Callable[[dict[str, Any]], T]) -> T:
        """Have `make` change what stands there, and write it; what `make` returns."""
        with self._locked():
            found = self.read()
            result = make(found)
            if found != self._known:
                self._write(found)
            return result

    def _check(self, state: os.stat_result) -> None:
        if state.st_uid not in (os.geteuid(), 0) or state.st_mode & 0o022:
            raise CircusStackError(f"{self.path} can be written by others: chmod 600, and look who did it")

    def _decoded(self, text: bytes) -> dict[str, Any]:
        try:
            return msgspec.json.decode(text, type=self._type)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise CircusStackError(f"{self.path} is not what the console has written: {error}") from None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CircusStackError(f"{self.path} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, found: dict[str, Any]) -> None:
        # Made with mode 0600; whoever reads sees the old or the new one, whole.
        number, name = tempfile.mkstemp(dir=self.path.parent, prefix=".console")
        try:
            with os.fdopen(number, "wb") as file:
                file.write(msgspec.json.encode(found))
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
