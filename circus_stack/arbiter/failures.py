"""What follows when a process of one watcher fails: it is told, waited out, or the watcher is given up."""

from __future__ import annotations

from collections.abc import Callable

from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.condition import GivenUp
from circus_stack.arbiter.watcher import Failure
from circus_stack.events import RespawnDelayed, WatcherFailed, WatcherFlapping
from circus_stack.states import WatcherStep


class Failures:
    """`on_replacement` is called when the successor of a process that is too old has failed, `on_end` when the watcher
    is given up and its processes are to go."""

    def __init__(self, charge: Charge, *, on_replacement: Callable[[], None], on_end: Callable[[], object]) -> None:
        self._charge = charge
        self._on_replacement = on_replacement
        self._on_end = on_end
        # How many there were so far: who replaces processes one by one looks whether one more has failed.
        self.count = 0
        # Why the new generation of a reload that is under way will not do; None while it still may.
        self.of_reload: str | None = None
        # Why the watcher was given up last.
        self.given_up: GivenUp | None = None

    def note(self, failure: Failure, reason: str) -> None:
        """A process failed, or could not be started."""
        watcher = self._charge.watcher
        self.count += 1
        if watcher.superseded is not None:
            # The old one serves on; whatever keeps its successor from it, somebody has to mend first.
            watcher.superseded = None
            self._on_replacement()
        if watcher.retiring is not None:
            self.refuse_reload(reason)
            return
        self.count_in(failure, reason)

    def count_in(self, failure: Failure, reason: str) -> None:
        """A failure of those that serve, whoever is about to be replaced or to take over: the pause after it, or the
        end."""
        charge, watcher = self._charge, self._charge.watcher
        if failure.ends_run:
            charge.means.pulse.beat()
            return
        now, delay_s, failures = charge.epoch(), failure.delay_s, failure.failures
        if failure.begins_to_flap:
            charge.publish(WatcherFlapping(watcher=charge.name, time=now, failures=failures, delay_s=delay_s))
        if failure.gives_up and watcher.is_up:
            self._give_up(f"given up after {failure.limit}; the last: {reason}")
        elif delay_s:
            charge.publish(RespawnDelayed(watcher=charge.name, time=now, delay_s=delay_s, failures=failures))

    def refuse_reload(self, reason: str) -> None:
        """The new generation will not do; the first reason counts."""
        self.of_reload = self.of_reload or reason
        self._charge.means.pulse.beat()

    def _give_up(self, reason: str) -> None:
        charge = self._charge
        charge.watcher.step(WatcherStep.GIVE_UP)
        self.given_up = GivenUp(reason, charge.epoch())
        charge.runs.end()
        charge.publish(WatcherFailed(watcher=charge.name, time=self.given_up.time, reason=reason))
        self._on_end()
        charge.means.pulse.beat()
