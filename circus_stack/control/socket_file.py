"""The file of an ipc endpoint: libzmq makes it and leaves it behind, so that whoever has bound it takes it away."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_SCHEME = "ipc://"


class SocketFile:
    """Of an endpoint that has just been bound; of another kind of endpoint there is none."""

    def __init__(self, endpoint: str) -> None:
        self._path = Path(endpoint.removeprefix(_SCHEME)) if endpoint.startswith(_SCHEME) else None
        self._status: os.stat_result | None = None
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._status = self._path.lstat()

    def remove(self) -> None:
        """Unless another has made his own there since. Safe to call twice."""
        if self._path is None or self._status is None:
            return
        with contextlib.suppress(OSError):
            if os.path.samestat(self._path.lstat(), self._status):
                self._path.unlink()
        self._status = None
