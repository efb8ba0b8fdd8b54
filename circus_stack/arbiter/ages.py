"""Replacing processes that have reached their age, or their end for another reason: who is next and when.

One timer, at the next deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.process import Process
from circus_stack.config.schema import WatcherConfig
from circus_stack.events import ReplacementBegun

# After a successor that would not serve, the old process goes on for so long before another one is tried: what keeps
# it from serving needs somebody who mends it, and meanwhile it should cost nothing.
RETRY_S = 60.0


def expiry(config: WatcherConfig, now: float, draw: Callable[[], float]) -> float | None:
    """When a process that starts now has reached its age, its own share of the variance included; None: never."""
    if not config.max_age:
        return None
    return now + config.max_age + draw() * config.max_age_variance


class Ages:
    """Calls `replace` with the oldest process that is due; the caller says when it is ready for the next one."""

    def __init__(self, charge: Charge, replace: Callable[[Process], None]) -> None:
        self._charge = charge
        self._replace = replace
        self._timer: asyncio.TimerHandle | None = None
        self._not_before = 0.0
        # Most watchers have no age, and are asked about it after each change.
        self._is_aging = False

    def note(self, process: Process) -> None:
        """A process was started."""
        charge = self._charge
        process.expires_at = expiry(charge.config, process.spawned_at, charge.means.draw)
        self._is_aging |= process.expires_at is not None

    def hasten(self, pid: int, reason: str, delay_s: float = 0.0) -> None:
        """A process is to be replaced although it has not reached its age; the first reason counts."""
        process = self._charge.watcher.processes.get(pid)
        if process is None or process.outlived or not process.is_serving:
            return
        process.outlived = reason
        at = self._charge.means.clock() + delay_s
        process.expires_at = at if process.expires_at is None else min(at, process.expires_at)
        self._is_aging = True
        self.schedule()

    @property
    def not_before(self) -> float:
        """Until then no process is replaced, whatever its age."""
        return self._not_before

    def restore(self, not_before: float) -> None:
        """Go on where another one was, with processes that have their deadlines."""
        self._not_before = not_before
        self._is_aging = any(each.expires_at is not None for each in self._charge.watcher.processes.values())

    def retry_later(self) -> None:
        """A successor would not serve: leave the old ones alone for a while."""
        self._not_before = self._charge.means.clock() + RETRY_S

    def schedule(self) -> None:
        """Wake up when the next process is due, if one may be replaced at all now."""
        self.cancel()
        process = self._next()
        if process is not None and process.expires_at is not None:
            means = self._charge.means
            at = max(process.expires_at, self._not_before)
            self._timer = means.loop.call_later(max(0.0, at - means.clock()), self._due)

    def cancel(self) -> None:
        """Wake up no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next(self) -> Process | None:
        watcher = self._charge.watcher
        # One at a time, none while another one is missing anyway, and none while a reload replaces all of them.
        is_busy = watcher.retiring is not None or watcher.superseded is not None or watcher.is_one_by_one
        if is_busy or not self._is_aging or not watcher.is_active or not watcher.has_all_ready():
            return None
        aging = [each for each in watcher.serving() if each.expires_at is not None]
        return min(aging, key=lambda each: each.expires_at or 0.0, default=None)

    def _due(self) -> None:
        self._timer = None
        process = self._next()
        if process is not None:
            charge = self._charge
            charge.publish(
                ReplacementBegun(
                    watcher=charge.name,
                    time=charge.epoch(),
                    process_pid=process.pid,
                    wid=process.wid,
                    reason=process.outlived or "age",
                )
            )
            self._replace(process)
