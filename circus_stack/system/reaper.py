"""The one place that waits for children: pidfds for what the arbiter started, SIGCHLD for strangers handed to it.

A stranger is a descendant whose own parent died; the arbiter is its subreaper. Nothing here sleeps or polls.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from circus_stack.system.spawn import Child


class Reaper:
    """Reaps, and calls back in the loop: `on_exit(pid, exit_code)` for a child that was added, `on_stranger(pid)` else.

    Exit codes are the status of exit(), or minus the number of the signal.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, on_stranger: Callable[[int], None]) -> None:
        self._loop = loop
        self._on_stranger = on_stranger
        self._pidfds: dict[int, int] = {}
        self._on_exit: dict[int, Callable[[int, int], None]] = {}

    def start(self) -> None:
        """Begin to listen for SIGCHLD; the loop must be the main thread's."""
        self._loop.add_signal_handler(signal.SIGCHLD, self.reap_strangers)

    def add(self, child: Child, on_exit: Callable[[int, int], None]) -> None:
        """Take over a started child, its pidfd included; `on_exit(pid, exit_code)` is called once."""
        self._pidfds[child.pid] = child.pidfd
        self._on_exit[child.pid] = on_exit
        self._loop.add_reader(child.pidfd, self._reap, child.pid)

    def knows(self, pid: int) -> bool:
        """Whether `pid` was added and is not reaped yet, so that it cannot have been given to another process."""
        return pid in self._pidfds

    def send(self, pid: int, signum: int) -> bool:
        """Signal a child that was added; False where it is gone."""
        pidfd = self._pidfds.get(pid)
        if pidfd is None:
            return False
        try:
            signal.pidfd_send_signal(pidfd, signum)
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
            if info.si_pid in self._pidfds:
                self._reap(info.si_pid)
                continue
            with contextlib.suppress(ChildProcessError):
                os.waitpid(info.si_pid, os.WNOHANG)
            self._on_stranger(info.si_pid)

    def _reap(self, pid: int) -> None:
        pidfd = self._pidfds[pid]
        info = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
        if info is None:
            return
        self._loop.remove_reader(pidfd)
        os.close(pidfd)
        del self._pidfds[pid]
        exited = info.si_code == os.CLD_EXITED
        self._on_exit.pop(pid)(pid, info.si_status if exited else -info.si_status)

    def close(self) -> None:
        """Forget everything; children that still run are nobody's."""
        self._loop.remove_signal_handler(signal.SIGCHLD)
        for pidfd in self._pidfds.values():
            self._loop.remove_reader(pidfd)
            os.close(pidfd)
        self._pidfds.clear()
