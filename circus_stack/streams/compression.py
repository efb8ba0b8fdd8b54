"""Compresses what a rotation has put away, in a thread of its own: neither the loop nor the lane waits for it."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from circus_stack.streams.logfile import LogFile
from circus_stack.streams.rotation import GZ, Rotation, old_name
from circus_stack.streams.safe_open import create, is_regular, open_regular

CHUNK = 256 * 1024
# zlib's header and trailer of a gzip file.
_GZIP = 16 + zlib.MAX_WBITS

_log = logging.getLogger(__name__)


class CompressedRotation:
    """Another rotation whose old files become `NAME.gz`.

    A file appears under that name when it is complete and on the disk; only then the plain one goes. Whatever ends the
    program in between, the plain file is still there and the next pass, after the first line or the next rotation,
    begins anew.
    """

    def __init__(self, rotation: Rotation, path: Path) -> None:
        self._rotation = rotation
        self._path = path
        # Held while names change: the compressor must know which file is which.
        self._names = threading.Lock()
        self._state = threading.Lock()
        self._is_fresh = True
        self._is_wanted = False
        self._is_closing = False
        self._thread: threading.Thread | None = None

    def room(self, file: LogFile, data: bytes, start: int) -> int:
        """As the other rotation says. The first call looks for what an earlier run has left plain."""
        if self._is_fresh:
            self._wake()
        return self._rotation.room(file, data, start)

    def turn(self, file: LogFile) -> None:
        """Turn over, then compress."""
        with self._names:
            self._rotation.turn(file)
        self._wake()

    def old_files(self, path: Path) -> list[Path]:
        """As the other rotation says."""
        return self._rotation.old_files(path)

    def close(self) -> None:
        """Stop within a chunk; what isn't done is done by the next run."""
        self._is_closing = True
        thread = self._thread
        if thread is not None:
            thread.join()
        self._is_fresh, self._is_closing = True, False

    # -- the thread --------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        with self._state:
            self._is_fresh = False
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-compressor", daemon=True)
                self._thread.start()
            else:
                self._is_wanted = True

    def _run(self) -> None:
        try:
            self._remove_parts()
            while True:
                self._compress_all()
                with self._state:
                    if not self._is_wanted or self._is_closing:
                        self._thread = None
                        return
                    self._is_wanted = False
        except OSError as error:
            # The directory is gone, or not ours to read: the next rotation tries again.
            _log.warning("cannot look for old files of %s: %s", self._path, error)
            with self._state:
                self._thread = None

    def _compress_all(self) -> None:
        for path in self._plain():
            if self._is_closing:
                return
            try:
                self._compress(path)
            except FileNotFoundError:
                continue  # Renamed or thrown away since: the next pass finds it under its new name.
            except OSError as error:
                _log.warning("cannot compress %s: %s; it stays as it is", path, error)
                return

    def _compress(self, path: Path) -> None:
        # A name that nobody can foresee: who may write to the directory could have put a link there.
        part = path.with_name(f".{path.name}.{secrets.token_hex(8)}{_PART}")
        with os.fdopen(open_regular(path), "rb") as source:
            status = os.fstat(source.fileno())
            try:
                if self._copy(source, part, status):
                    self._put_in_place(part, status)
            finally:
                part.unlink(missing_ok=True)

    def _copy(self, source: BinaryIO, part: Path, status: os.stat_result) -> bool:
        """Compress to `part` and to the disk; False where it was broken off."""
        with os.fdopen(create(part), "wb") as target:
            # The old file's readers must be able to read it, and nobody else.
            with contextlib.suppress(PermissionError):
                os.fchown(target.fileno(), status.st_uid, status.st_gid)
            os.fchmod(target.fileno(), status.st_mode & 0o777)
            for piece in _compressed(source):
                if self._is_closing:
                    return False
                target.write(piece)
            target.flush()
            os.utime(target.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
            os.fsync(target.fileno())
        return True

    def _put_in_place(self, part: Path, status: os.stat_result) -> None:
        """Rotations may have renamed the file meanwhile, or thrown it away."""
        with self._names:
            for path in self._rotation.old_files(self._path):
                if path.suffix != GZ and os.path.samestat(path.lstat(), status):
                    part.rename(old_name(path))
                    path.unlink()
                    return

    def _plain(self) -> list[Path]:
        with self._names:
            return [path for path in self._rotation.old_files(self._path) if path.suffix != GZ and is_regular(path)]

    def _remove_parts(self) -> None:
        """What a run that was killed had begun."""
        for part in self._path.parent.glob(f".{_escaped(self._path.name)}.*{_PART}"):
            try:
                part.unlink(missing_ok=True)
            except OSError as error:
                _log.warning("cannot remove %s: %s", part, error)


_PART = f"{GZ}.part"


def _compressed(source: BinaryIO) -> Iterator[bytes]:
    engine = zlib.compressobj(wbits=_GZIP)
    while data := source.read(CHUNK):
        yield engine.compress(data)
    yield engine.flush()


def _escaped(name: str) -> str:
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
