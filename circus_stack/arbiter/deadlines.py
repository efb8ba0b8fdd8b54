"""One timer a process: set, replaced, cancelled by pid."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadlines:
    """Calls back once when a process's time has run out; a cancelled one never."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timers: dict[int, asyncio.TimerHandle] = {}

    def __contains__(self, pid: int) -> bool:
        return pid in self._timers

    def __len__(self) -> int:
        return len(self._timers)

    def at(self, pid: int) -> float | None:
        """When the pid's time runs out, by the loop's clock; None where it has no deadline."""
        timer = self._timers.get(pid)
        return None if timer is None else timer.when()

    def set(self, pid: int, delay_s: float, callback: Callable[[int], None]) -> None:
        """Call `callback(pid)` after `delay_s` seconds, in place of what was set for that pid before."""
        self.cancel(pid)
        self._timers[pid] = self._loop.call_later(delay_s, self._expire, pid, callback)

    def left_s(self, pid: int) -> float:
        """How many seconds of a pid's time are left; 0 where it has none, or has none any more."""
        timer = self._timers.get(pid)
        return 0.0 if timer is None else max(0.0, timer.when() - self._loop.time())

    def cancel(self, pid: int) -> None:
        """Forget the pid's deadline, if there is one."""
        timer = self._timers.pop(pid, None)
        if timer is not None:
            timer.cancel()

    def _expire(self, pid: int, callback: Callable[[int], None]) -> None:
        del self._timers[pid]
        callback(pid)
