"""When one scheduled watcher is due: decides whether a due time is run, skipped or missed, and waits for the next.

A due time is noted as attended to before its run begins: after a crash at that very moment it is lost, never run twice.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.run_book import Entry
from circus_stack.config.cron import Timetable
from circus_stack.config.values import Overlap
from circus_stack.events import RunSkipped
from circus_stack.states import WatcherState
from circus_stack.system.wall_clock import machine_zone

# What is found due so late was missed: the machine slept, or nobody was there to run it.
LATE_S = 60.0
# As Debian's cron has it: a clock that was set back by more was wrong before, and what it led to counts no more.
CORRECTED_S = 3 * 3600.0
_DOWN = (WatcherState.STOPPED, WatcherState.FAILED)


class ScheduleView(Struct, frozen=True):
    """A schedule as others may see it; `next_at` is None while it isn't waited for. Seconds since the epoch."""

    schedule: str
    timezone: str
    next_at: float | None


class Scheduling:
    """Waits for the due times of one watcher, if it has any; calls what `arm` was given at each that is to be run."""

    def __init__(self, charge: Charge) -> None:
        self._charge = charge
        self._wake: Callable[[], None] | None = None
        self._queued = False
        self._next_at: float | None = None
        self._delay_s = 0.0

    @property
    def is_armed(self) -> bool:
        return self._wake is not None

    def view(self) -> ScheduleView | None:
        """None for a watcher without a schedule."""
        config = self._charge.config
        if config.schedule is None:
            return None
        return ScheduleView(config.schedule, config.schedule_timezone or "", self._next_at)

    def arm(self, wake: Callable[[], None]) -> bool:
        """Call `wake` at each due time from now on; False where there is no schedule."""
        if self._charge.config.schedule is None:
            return False
        if self._wake is None:
            self._wake = wake
            self._restore()
            self._look()
        return True

    def forget(self) -> None:
        """An operator stopped the watcher, or it was removed: nothing is due until somebody starts it."""
        self._wake = None
        self._queued = False
        self._next_at = None
        self._charge.means.appointments.cancel(self)

    def changed(self) -> None:
        """The watcher has other options."""
        if self._charge.config.schedule is None:
            self.forget()
        elif self._wake is not None:
            self._look()

    def ended(self) -> None:
        """A run has ended: note how, and begin the one that waits for it."""
        if self._charge.config.schedule is None:
            return
        self._note(self._since())
        self._save()
        if self._queued and self._wake is not None:
            self._queued = False
            self._wake()

    # -- deciding ---------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """What is due by now is attended to; then the next due time is waited for."""
        table, now = self._table(), self._charge.epoch()
        since = self._since()
        if since > now + CORRECTED_S:
            since = now
            self._note(since)
        due = table.latest(now)
        if due is not None and due > since:
            wait_s = due + self._delay_s - now
            if self._next_at is not None and 0 < wait_s <= self._delay_s:
                # Woken before the pause by chance is over: the clock was set.
                self._wait(due, self._delay_s)
                return
            self._attend(due, now)
            since = due
        following = table.after(max(since, now))
        self._wait(following, self._charge.means.draw() * self._charge.config.schedule_jitter)

    def _wait(self, due: float | None, delay_s: float) -> None:
        appointments = self._charge.means.appointments
        self._delay_s = delay_s
        self._next_at = None if due is None else due + delay_s
        if self._next_at is None:
            appointments.cancel(self)
        else:
            appointments.set(self, self._next_at, self._look)

    def _attend(self, due: float, now: float) -> None:
        config, watcher = self._charge.config, self._charge.watcher
        self._note(due)
        if now - due > LATE_S + config.schedule_jitter and not config.schedule_catch_up:
            self._skip(due, "missed: nobody could run it then")
        elif watcher.state in _DOWN:
            self._charge.hooks.background(self._run())
            return
        elif config.schedule_overlap is Overlap.QUEUE and not self._queued:
            self._queued = True
        else:
            self._skip(due, "the run before it has not ended")
        self._save()

    async def _run(self) -> None:
        """On the disk first: whatever happens from here on, this due time is not run again."""
        await self._charge.means.book.save()
        if self._wake is not None:
            self._wake()

    def _skip(self, due: float, reason: str) -> None:
        self._charge.publish(RunSkipped(watcher=self._charge.name, time=self._charge.epoch(), due=due, reason=reason))

    # -- what is kept -----------------------------------------------------------------------------------------

    def _since(self) -> float:
        """The due time up to which everything was attended to. A schedule that is new begins now."""
        charge = self._charge
        entry = charge.means.book.get(charge.name)
        if entry is not None and entry.schedule == self._identity():
            return entry.due
        now = charge.epoch()
        self._note(now)
        self._save()
        return now

    def _note(self, due: float) -> None:
        self._charge.means.book.put(self._charge.name, Entry(self._identity(), due, self._charge.runs.last))

    def _save(self) -> None:
        self._charge.hooks.background(self._charge.means.book.save())

    def _restore(self) -> None:
        """The last run of a former arbiter is still the last one."""
        entry, runs = self._charge.means.book.get(self._charge.name), self._charge.runs
        if entry is not None and entry.last is not None and runs.last is None:
            runs.recall(entry.last)

    def _identity(self) -> str:
        config = self._charge.config
        return f"{config.schedule} {config.schedule_timezone or ''}".strip()

    def _table(self) -> Timetable:
        config = self._charge.config
        if config.schedule_timezone:
            # Here, since few stacks have a schedule.
            from zoneinfo import ZoneInfo

            return Timetable(config.schedule or "", ZoneInfo(config.schedule_timezone))
        return Timetable(config.schedule or "", machine_zone(self._charge.means.surroundings().environ.get("TZ")))
