"""What a run tells the service manager above it: when it is up, reloads, ends; how it fares; that its loop turns."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping

from circus_stack.events import (
    Event,
    ProcessUnready,
    WatcherFailed,
    WatcherReloaded,
    WatcherRemoved,
    WatcherStarted,
    WatcherStopped,
)
from circus_stack.states import WatcherState
from circus_stack.system.service_manager import ServiceManager

# What changes the line that says how the stack fares.
_TELLING = (WatcherStarted, WatcherStopped, WatcherFailed, WatcherReloaded, WatcherRemoved, ProcessUnready)


class Reporting:
    """Keeps a service manager informed; `statuses` gives the state of each watcher."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        manager: ServiceManager,
        statuses: Callable[[], Mapping[str, WatcherState]],
    ) -> None:
        self._loop = loop
        self._manager = manager
        self._statuses = statuses
        self._is_up = False
        self._is_ending = False
        self._is_reloading = False
        self._is_due = False
        self._timer: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """Begin: from here on the watchdog is fed, by a timer of the loop itself, twice as often as it has to be."""
        if self._manager.is_there:
            self._manager.status("starting")
            self._beat()

    def close(self) -> None:
        """The last word was said."""
        if self._timer is not None:
            self._timer.cancel()
        self._manager.close()

    def up(self) -> None:
        """All that starts by itself has come up, or was given up, which the status tells."""
        self._is_up = True
        if not self._is_ending:
            self._manager.ready(self._summary())

    def ending(self) -> None:
        """The stack stops."""
        self._is_ending = True
        self._manager.stopping("stopping")

    @contextlib.asynccontextmanager
    async def reloading(self, *, is_real: bool = True) -> AsyncIterator[None]:
        """For the length of a reload, of which there is one at a time; only a real one is told."""
        if not is_real:
            yield
            return
        self._is_reloading = True
        if self._may_tell:
            self._manager.reloading("reloading")
        try:
            yield
        finally:
            self._is_reloading = False
            if self._may_tell:
                self._manager.ready(self._summary())

    def on_event(self, event: Event) -> None:
        """Something happened: the status follows, once a turn of the loop."""
        if isinstance(event, _TELLING) and self._manager.is_there and not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._tell)

    @property
    def _may_tell(self) -> bool:
        return self._is_up and not self._is_ending

    def _tell(self) -> None:
        self._is_due = False
        if self._may_tell and not self._is_reloading:
            self._manager.status(self._summary())

    def _beat(self) -> None:
        if self._manager.watchdog_s is not None:
            self._manager.beat()
            self._timer = self._loop.call_later(self._manager.watchdog_s / 2, self._beat)

    def _summary(self) -> str:
        return summary(self._statuses())


def summary(statuses: Mapping[str, WatcherState]) -> str:
    """`3 of 4 watchers up; failed: web`."""
    up = sum(1 for state in statuses.values() if state is WatcherState.ACTIVE)
    failed = [name for name, state in statuses.items() if state is WatcherState.FAILED]
    text = f"{up} of {len(statuses)} watchers up"
    return f"{text}; failed: {', '.join(failed)}" if failed else text
