"""Whether a keeper of descriptors runs beside the arbiter, and what it holds: as new as the truth, never waited for.

With `auto` there is none until something is withheld from the next arbiter: by the machine, or by one process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Iterable, Mapping

from circus_stack.arbiter.adoption.withheld import sees_all, why_withheld
from circus_stack.config.values import FdKeeperMode
from circus_stack.errors import SpawnError
from circus_stack.system.fd_keeper import PIDFD
from circus_stack.system.fd_keeper_link import FdKeeperLink, start_keeper
from circus_stack.system.foreign_fds import fd_name, may_fetch
from circus_stack.system.journal import JournalDirectory
from circus_stack.system.reaper import Reaper
from circus_stack.system.spawn import watch_child

log = logging.getLogger(__name__)

# One that was ended is started anew, at most so often.
_PAUSE_S = 1.0
# A process may hide itself some time after its start: it is looked at so often, sweep after sweep.
_LOOKS = 3


class Safekeeping:
    """Of one run. Names are those of `system.foreign_fds`; `link` leads to a keeper that another arbiter has left."""

    def __init__(
        self,
        directory: JournalDirectory,
        mode: FdKeeperMode,
        loop: asyncio.AbstractEventLoop,
        reaper: Reaper,
        link: FdKeeperLink | None = None,
    ) -> None:
        self._directory = directory
        self._mode = mode
        self._loop = loop
        self._reaper = reaper
        self._link = link
        self._is_open = False
        self._asks = mode is FdKeeperMode.AUTO and not sees_all()
        self._has_failed = False
        self._restart: asyncio.TimerHandle | None = None
        # Descriptors of ours, by name; those of processes by token.
        self._sockets: dict[str, int] = {}
        self._pipes: dict[str, dict[str, int]] = {}
        self._pids: dict[str, int] = {}
        # How often each of these is still to be looked at.
        self._looks: dict[str, int] = {}

    @property
    def pid(self) -> int | None:
        """The keeper's; None where there is none."""
        return None if self._link is None else self._link.pid

    # -- what there is ----------------------------------------------------------------------------------------

    def note_pipes(self, token: str, fds: Mapping[str, int]) -> None:
        """A process has these, or is about to: our ends, by name."""
        self._pipes[token] = dict(fds)
        if self._is_open and self._link is not None:
            self._link.keep(_still_there(fds))

    def note_process(self, token: str, pid: int) -> None:
        """It runs. To be said again whenever it may have changed."""
        is_new = token not in self._pids
        if is_new:
            self._pids[token] = pid
            if self._asks:
                self._looks[token] = _LOOKS
        if not self._is_open:
            return
        if self._link is None:
            self._look_at(token)
        elif is_new:
            self._keep_pidfds([token])

    def forget(self, token: str) -> None:
        """It is gone."""
        names = [*self._pipes.pop(token, ()), *([PIDFD + token] if self._pids.pop(token, None) is not None else ())]
        self._looks.pop(token, None)
        if self._is_open and self._link is not None and names:
            self._link.forget(names)

    def note_sockets(self, fds: Mapping[str, int]) -> None:
        """All listening sockets that there are."""
        gone = [name for name in self._sockets if name not in fds]
        fresh = {name: fd for name, fd in fds.items() if name not in self._sockets}
        self._sockets = dict(fds)
        if self._is_open and self._link is not None:
            if gone:
                self._link.forget(gone)
            self._link.keep(_still_there(fresh))

    # -- a run ------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Everything that is there was noted: begin."""
        self._is_open = True
        if self._mode is FdKeeperMode.NEVER:
            if self._link is not None:
                self._link.dismiss()
                self._link = None
        elif self._link is not None:
            # It was needed before.
            self._go_on(self._link)
        elif self._mode is FdKeeperMode.ALWAYS:
            self._begin("")
        elif reason := why_withheld():
            self._begin(reason)
        else:
            for token in tuple(self._looks):
                self._look_at(token)

    def sweep(self) -> None:
        """Now and then: somebody may have hidden himself since he came up."""
        if self._is_open and self._link is None:
            for token, left in tuple(self._looks.items()):
                if left <= 1:
                    del self._looks[token]
                else:
                    self._looks[token] = left - 1
                self._look_at(token)

    def close(self, *, is_over: bool) -> None:
        """The run has ended; `is_over`: nobody is left to be adopted."""
        self._is_open = False
        if self._restart is not None:
            self._restart.cancel()
        link, self._link = self._link, None
        if link is None:
            return
        if not is_over:
            link.close()
        elif not link.dismiss():
            log.warning("fd_keeper: process %d does not end: it may keep ports bound", link.pid)

    # -- the keeper -------------------------------------------------------------------------------------------

    def _look_at(self, token: str) -> None:
        pid = self._pids.get(token)
        if token in self._looks and self._link is None and pid is not None and not may_fetch(pid):
            self._begin(f"process {pid} lets nobody look into it")

    def _begin(self, reason: str) -> None:
        try:
            child, link = start_keeper(self._directory.directory_fd, self._directory.lock_fd)
        except (OSError, SpawnError) as error:
            self._fail(error)
            return
        log.info("fd_keeper: process %d keeps sockets and pipes%s", child.pid, f": {reason}" if reason else "")
        self._has_failed = False
        self._reaper.add(child, _ignore)
        self._connect(link)

    def _fail(self, error: Exception) -> None:
        if not self._has_failed:
            self._has_failed = True
            reason = error.strerror if isinstance(error, OSError) else error
            log.warning(
                "fd_keeper = %s: no keeper can be started (%s); should the arbiter be killed, processes that cannot be "
                "looked into are ended and started anew",
                self._mode,
                reason,
            )
        self._looks.clear()

    def _go_on(self, link: FdKeeperLink) -> None:
        """With one that was there already: perhaps a child of ours, from before an upgrade."""
        with contextlib.suppress(OSError):
            self._reaper.add(watch_child(link.pid), _ignore)
        self._connect(link)

    def _connect(self, link: FdKeeperLink) -> None:
        self._link = link
        link.watch(self._loop, self._lost)
        link.keep(_still_there(self._sockets))
        for fds in self._pipes.values():
            link.keep(_still_there(fds))
        self._keep_pidfds(self._pids)
        link.settle()

    def _keep_pidfds(self, tokens: Iterable[str]) -> None:
        """By them it knows when nobody is left."""
        for token in tokens:
            with contextlib.suppress(OSError):
                # Reaped it would be forgotten: the number is still that process's, or a stranger's whose end we await.
                pidfd = os.pidfd_open(self._pids[token])
                try:
                    if self._link is not None:
                        self._link.keep({PIDFD + token: pidfd})
                finally:
                    os.close(pidfd)

    def _lost(self) -> None:
        """Somebody has ended it."""
        self._link = None
        if self._is_open and self._restart is None:
            log.warning("fd_keeper: the keeper of descriptors has ended: another one is started")
            self._restart = self._loop.call_later(_PAUSE_S, self._begin_again)

    def _begin_again(self) -> None:
        self._restart = None
        self._begin("")


def _ignore(_pid: int, _exit_code: int | None) -> None:
    """The end of the connection tells it."""


def _still_there(fds: Mapping[str, int]) -> dict[str, int]:
    """Those whose number still is what it was: a pipe is closed at its end."""
    found = {}
    for name, fd in fds.items():
        with contextlib.suppress(OSError):
            if fd_name(fd) == name:
                found[name] = fd
    return found
