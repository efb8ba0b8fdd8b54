"""The one place that waits for children: pidfds for what the arbiter started, SIGCHLD for strangers handed to it.

A stranger is a descendant whose own parent died; the arbiter is its subreaper. Nothing here sleeps or polls.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

from circus_stack.system.spawn import Child


def _ignore(_pid: int) -> None:
    """Nobody cares."""


@dataclass(frozen=True, slots=True)
class _Watched:
    pidfd: int
    on_exit: Callable[[int, int], None]
    before_reap: Callable[[int], None]


class Reaper:
    """Reaps, and calls back in the loop: `on_exit(pid, exit_code)` for a child that was added, `on_stranger(pid)` else.

    Exit codes are the status of exit(), or minus the number of the signal.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_stranger: Callable[[int], None]) -> None:
        self._loop = loop
        self._on_stranger = on_stranger
        self._watched: dict[int, _Watched] = {}

    def start(self) -> None:
        """Begin to listen for SIGCHLD; the loop must be the main thread's."""
        self._loop.add_signal_handler(signal.SIGCHLD, self.reap_strangers)

    def add(
        self, child: Child, on_exit: Callable[[int, int], None], before_reap: Callable[[int], None] = _ignore
    ) -> None:
        """Take over a started child, its pidfd included; `on_exit(pid, exit_code)` is called once.

        Just before it, `before_reap(pid)` is called while the child is a zombie: it keeps its number until then, so
        that what is left of its process group can be signalled, and nobody else. Afterwards the number may be
        anybody's, unless the group lives on.
        """
        self._watched[child.pid] = _Watched(child.pidfd, on_exit, before_reap)
        self._loop.add_reader(child.pidfd, self._reap, child.pid)

    def knows(self, pid: int) -> bool:
        """Whether `pid` was added and is not reaped yet, so that it cannot have been given to another process."""
        return pid in self._watched

    def send(self, pid: int, signum: int) -> bool:
        """Signal a child that was added; False where it is gone."""
        watched = self._watched.get(pid)
        if watched is None:
            return False
        try:
            signal.pidfd_send_signal(watched.pidfd, signum)
        except ProcessLookupError:
            return False
        return True

    def reap_strangers(self) -> None:
        """Reap all zombies that nobody added; those that were added are reaped by the way."""
        while True:
            try:
                info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if info is None:
                return
            if info.si_pid in self._watched:
                self._reap(info.si_pid)
                continue
            with contextlib.suppress(ChildProcessError):
                os.waitpid(info.si_pid, os.WNOHANG)
            self._on_stranger(info.si_pid)

    def _reap(self, pid: int) -> None:
        watched = self._watched[pid]
        info = os.waitid(os.P_PIDFD, watched.pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if info is None:
            return
        exited = info.si_code == os.CLD_EXITED
        try:
            watched.before_reap(pid)
        finally:
            # Whatever that did: a zombie that stays would wake the loop for ever.
            self._loop.remove_reader(watched.pidfd)
            os.waitid(os.P_PIDFD, watched.pidfd, os.WEXITED | os.WNOHANG)
            os.close(watched.pidfd)
            del self._watched[pid]
            watched.on_exit(pid, info.si_status if exited else -info.si_status)

    def close(self) -> None:
        """Forget everything; children that still run are nobody's."""
        self._loop.remove_signal_handler(signal.SIGCHLD)
        for watched in self._watched.values():
            self._loop.remove_reader(watched.pidfd)
            os.close(watched.pidfd)
        self._watched.clear()
