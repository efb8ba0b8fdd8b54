"""What is to happen at a time of day: any number of appointments, one timer, at the next of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from circus_stack.system.wall_clock import WallClockAlarm


class Appointments:
    """Calls back once for each name: when its time has come, or earlier when the clock was set, since it may have come
    by now or be further away. `epoch` is the time of day in seconds."""

    def __init__(self, epoch: Callable[[], float] = time.time) -> None:
        self._epoch = epoch
        self._alarm: WallClockAlarm | None = None
        self._waiting: dict[object, tuple[float, Callable[[], None]]] = {}

    def set(self, key: object, at: float, callback: Callable[[], None]) -> None:
        """Make an appointment, in place of an earlier one of that key."""
        self._waiting[key] = (at, callback)
        self._settle()

    def cancel(self, key: object) -> None:
        """Forget it, if there is one."""
        if self._waiting.pop(key, None) is not None:
            self._settle()

    def _settle(self) -> None:
        if not self._waiting:
            if self._alarm is not None:
                self._alarm.close()
                self._alarm = None
            return
        if self._alarm is None:
            self._alarm = WallClockAlarm(asyncio.get_running_loop(), self._ring)
        self._alarm.set(min(at for at, _ in self._waiting.values()))

    def _ring(self, was_set: bool) -> None:
        now = self._epoch()
        due = [key for key, (at, _) in self._waiting.items() if was_set or at <= now]
        callbacks = [self._waiting.pop(key)[1] for key in due]
        self._settle()
        for callback in callbacks:
            callback()
