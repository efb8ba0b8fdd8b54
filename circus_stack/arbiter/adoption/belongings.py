"""Gets sockets and pipes back out of the processes that hold them. Opens descriptors; closes none that it has given."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping

from circus_stack.system.foreign_fds import fds_of, fetch_fd, holders, may_fetch, reopen_pipe
from circus_stack.system.process_stamp import Stamp

# The process, or its descriptor, went between our look and our grasp.
_GONE = (errno.ESRCH, errno.EBADF, errno.ENOENT)


class NotAllowedError(Exception):
    """The kernel lets us have nothing of a process that is ours."""


class Belongings:
    """What living processes hold, by name, and what a keeper has kept of it: `kept` are descriptors of our own."""

    def __init__(self, living: Iterable[Stamp], kept: Mapping[str, int]) -> None:
        self._kept = dict(kept)
        self._held = {stamp.pid: fds_of(stamp.pid) for stamp in living}
        self._holder: dict[str, tuple[int, int]] = {}
        for pid, names in self._held.items():
            for name, number in names.items():
                self._holder.setdefault(name, (pid, number))

    def look_further(self, names: Iterable[str]) -> None:
        """Look for these in every process there is, where neither a keeper nor who was started by us has them: a
        descendant may. Reads all of /proc if there is such a name."""
        missing = {name for name in names if name not in self._kept and name not in self._holder}
        for pid, name, number in holders(missing):
            self._holder.setdefault(name, (pid, number))

    def can_see(self, pid: int) -> bool:
        """Whether the kernel lets us look at what a process holds, though that may be nothing."""
        return bool(self._held.get(pid)) or may_fetch(pid)

    def socket(self, name: str) -> int | None:
        """A descriptor of ours for a socket; None where nobody holds it. Raises NotAllowedError, also where somebody
        may hold it who can't be looked into: bound anew, it would meet its own address in use."""
        if name in self._kept:
            return self._kept.pop(name)
        if name not in self._holder:
            hidden = next((pid for pid in self._held if not self.can_see(pid)), None)
            if hidden is not None:
                raise NotAllowedError(f"process {hidden} lets nobody look into it")
            return None
        try:
            return fetch_fd(*self._holder[name])
        except OSError as error:
            if error.errno not in _GONE:
                raise NotAllowedError(error.strerror) from None
            return None

    def pipe(self, name: str) -> int | None:
        """Our end of a pipe; None where nobody holds it: there is nothing more to read. Raises NotAllowedError."""
        if name in self._kept:
            return self._kept.pop(name)
        if name not in self._holder:
            return None
        try:
            return reopen_pipe(*self._holder[name])
        except OSError as error:
            if error.errno not in _GONE:
                raise NotAllowedError(error.strerror) from None
            return None

    def rest(self) -> tuple[int, ...]:
        """What a keeper has kept and nobody asked for."""
        return tuple(self._kept.values())
