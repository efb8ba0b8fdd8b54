"""Signals to one watcher's processes, with the hooks before and after them. What is to end a process is told.

Without such hooks a signal is sent at once. With them it waits for its turn and for the answer; SIGKILL never does.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable

from circus_stack.arbiter.charge import Charge
from circus_stack.config.values import KillMode
from circus_stack.errors import CommandError
from circus_stack.events import ProcessKilled
from circus_stack.system.descent import descendants


class Signalling:
    """Sends signals to the processes of one watcher."""

    def __init__(self, charge: Charge) -> None:
        self._charge = charge

    def send(self, pid: int, signum: int) -> None:
        """Send any signal to a process, which is not thereby expected to end. Nothing where it is gone."""
        self._with_hooks(pid, signum, lambda: self._charge.means.reaper.send(pid, signum))

    def send_family(self, pid: int, signum: int, *, children: bool, recursive: bool) -> None:
        """Signal a process; with `children` its children in its place, with `recursive` all descendants and itself."""
        if children or recursive:
            for each in descendants(pid, recursive=recursive):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signum)
        if recursive or not children:
            self.send(pid, signum)

    def send_descendant(self, pid: int | None, child_pid: int, signum: int) -> None:
        """Signal one descendant of a process; CommandError if it is none."""
        if pid is None or child_pid not in descendants(pid):
            raise CommandError(f"process {child_pid} is no descendant of process {pid} in {self._charge.name}")
        with contextlib.suppress(ProcessLookupError):
            os.kill(child_pid, signum)

    def ask_to_end(self, pid: int, signum: int, on_sent: Callable[[], None]) -> None:
        """Send a process, or with stop_children its group, the signal that asks it to go."""

        def deliver() -> None:
            if self._charge.config.stop_children:
                self._charge.means.reaper.signal_group(pid, signum)
            else:
                self._charge.means.reaper.send(pid, signum)
            self._told(pid, signum)
            on_sent()

        self._with_hooks(pid, signum, deliver)

    def kill(self, pid: int) -> None:
        """SIGKILL to a process and, unless `kill_mode` is process, its group, now. The hooks hear of it, and are not
        asked."""
        signum = int(signal.SIGKILL)
        self._told(pid, signum)
        if self._charge.config.kill_mode is KillMode.PROCESS:
            self._charge.means.reaper.send(pid, signum)
        else:
            self._charge.means.reaper.signal_group(pid, signum)
        hooks = self._charge.hooks
        if hooks.has("before_signal", "after_signal"):
            hooks.background(self._in_turn(pid, signum, lambda: None))

    def kill_family(self, pid: int) -> None:
        """The same, and SIGKILL to all that descends from it, whatever group that is in. Reads all of /proc."""
        for each in descendants(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        self.kill(pid)

    def _told(self, pid: int, signum: int) -> None:
        charge = self._charge
        charge.publish(ProcessKilled(watcher=charge.name, time=charge.epoch(), process_pid=pid, signum=signum))

    def _with_hooks(self, pid: int, signum: int, deliver: Callable[[], object]) -> None:
        hooks = self._charge.hooks
        if hooks.has("before_signal", "after_signal"):
            hooks.background(self._in_turn(pid, signum, deliver))
        else:
            deliver()

    async def _in_turn(self, pid: int, signum: int, deliver: Callable[[], object]) -> None:
        hooks, reaper = self._charge.hooks, self._charge.means.reaper
        details = {"pid": pid, "signum": _signal(signum)}
        async with hooks.lane:
            agreed = await hooks.call("before_signal", **details)
            if signum == signal.SIGKILL or (agreed and reaper.knows(pid)):
                deliver()
                await hooks.call("after_signal", **details)


def _signal(signum: int) -> int:
    """The enum's member, as Circus passes it, where there is one: real-time signals between the two ends have none."""
    try:
        return signal.Signals(signum)
    except ValueError:
        return signum
