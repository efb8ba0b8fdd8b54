"""Who lacks what he depends on: looked at after each event that may have changed it, told when it begins and ends.

Decides nothing for the watchers: a dependent runs on, and whoever waits for its start goes on waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from circus_stack.arbiter.keeper import Keeper
from circus_stack.events import (
    Event,
    HealthLost,
    HealthRegained,
    ProcessKilled,
    ProcessReady,
    ProcessUnready,
    WatcherDegraded,
    WatcherFailed,
    WatcherRecovered,
    WatcherRemoved,
    WatcherStarted,
    WatcherStopped,
    WatcherUpdated,
    WatcherWaiting,
)
from circus_stack.states import ProcessState, WatcherState

# After each of these a watcher may be available that wasn't, or the reverse.
_TELLING = (
    *(ProcessReady, ProcessUnready, ProcessKilled, HealthLost, HealthRegained),
    *(WatcherFailed, WatcherRemoved, WatcherStarted, WatcherStopped, WatcherUpdated),
)
_WORDS = {
    WatcherState.STOPPED: "is stopped",
    WatcherState.STARTING: "is starting",
    WatcherState.STOPPING: "is stopping",
    WatcherState.FAILED: "has failed",
}
# What ends by itself, without anybody's doing.
_PASSING = _WORDS[WatcherState.STARTING]


class Dependents:
    """The watchers of one arbiter that depend on others. `is_available(name)` says whether one that isn't active can be
    used nevertheless: it starts on demand."""

    def __init__(
        self,
        keepers: Mapping[str, Keeper],
        is_available: Callable[[str], bool],
        loop: asyncio.AbstractEventLoop,
        publish: Callable[[Event], None],
        epoch: Callable[[], float],
    ) -> None:
        self._keepers = keepers
        self._is_available = is_available
        self._loop = loop
        self._publish = publish
        self._epoch = epoch
        self._is_due = False
        # What was told last of each that runs, and of each that waits for what will not come by itself.
        self._degraded: dict[str, Mapping[str, str]] = {}
        self._waiting: dict[str, Mapping[str, str]] = {}

    def note(self, event: Event) -> None:
        """Something happened: look again once this turn of the loop is over."""
        if isinstance(event, _TELLING) and not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._look)

    def troubles(self, keeper: Keeper) -> dict[str, str]:
        """What a watcher depends on and cannot use now, with what is wrong with each."""
        needed = keeper.config.depends_on
        if not needed:
            return {}
        known = {name.lower(): name for name in self._keepers}
        found = {known.get(each.lower(), each): self._trouble(known.get(each.lower()), keeper) for each in needed}
        return {name: what for name, what in found.items() if what}

    def _trouble(self, name: str | None, dependent: Keeper) -> str:
        if name is None:
            return "was removed"
        watcher = self._keepers[name].watcher
        if watcher.config.runs_once:
            # Its work was needed for the start alone, whatever becomes of the next run.
            is_needed = dependent.holder is not None and not self._is_available(name)
            return (_PASSING if watcher.is_up else _WORDS[watcher.state]) if is_needed else ""
        if not watcher.is_active:
            return "" if self._is_available(name) else _WORDS[watcher.state]
        wrong = self._keepers[name].health.trouble
        if wrong:
            return f"is unhealthy ({wrong})"
        # While a reload rolls, the old generation serves.
        if not watcher.wanted or any(each.state is ProcessState.READY for each in watcher.processes.values()):
            return ""
        return "is unready"

    def _look(self) -> None:
        self._is_due = False
        for name, keeper in tuple(self._keepers.items()):
            if not keeper.watcher.is_up or not keeper.config.depends_on:
                self._degraded.pop(name, None)
                self._waiting.pop(name, None)
            elif keeper.holder is not None:
                self._degraded.pop(name, None)
                self._tell_waiting(name, self.troubles(keeper))
            else:
                self._waiting.pop(name, None)
                self._tell_degraded(name, self.troubles(keeper))

    def _tell_waiting(self, name: str, troubles: Mapping[str, str]) -> None:
        lasting = {each: what for each, what in troubles.items() if what != _PASSING}
        if lasting and lasting != self._waiting.get(name):
            self._publish(WatcherWaiting(watcher=name, time=self._epoch(), reason=_sentence(lasting)))
        self._waiting[name] = lasting

    def _tell_degraded(self, name: str, troubles: Mapping[str, str]) -> None:
        before = self._degraded.get(name, {})
        if troubles:
            self._degraded[name] = troubles
            if troubles != before:
                self._publish(WatcherDegraded(watcher=name, time=self._epoch(), reason=_sentence(troubles)))
        elif before:
            del self._degraded[name]
            reason = ", ".join(f"{each} serves again" for each in before)
            self._publish(WatcherRecovered(watcher=name, time=self._epoch(), reason=reason))


def _sentence(troubles: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {what}" for name, what in troubles.items())
