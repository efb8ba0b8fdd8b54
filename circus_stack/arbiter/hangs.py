"""Workers of one watcher whose server loop stands still: seen by a timer at the earliest moment at which one of them
could count as hanging, shown by a dump of its threads, ended, replaced.

Processes are not asked: what they write into shared memory is looked at when the timer ends, and mostly moves it on.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Protocol

from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.process import Process
from circus_stack.arbiter.watcher import Failure
from circus_stack.events import ProcessHung
from circus_stack.states import ProcessState

# chaussette has faulthandler show all threads at this signal, and dies of it: also in C code, and in a busy loop.
_DUMP = signal.SIGABRT
# What a process that doesn't even die of that has until SIGKILL.
_GRACE_S = 5.0
# Timers of many watchers must not fall into one moment, nor the loop be kept busy by one.
_LEAST_PAUSE_S = 0.05
# So late, the arbiter itself stood still: most likely all did (a paused container, a frozen group), and whoever goes on
# first must not be judged before the others could say that they live.
_STOOD_STILL_S = 0.5
# A worker says so four times in its time, and not more often than once a second.
_BEATS, _LEAST_BEAT_S = 4, 1.0


class _Stop(Protocol):
    def __call__(self, pid: int, signum: int | None = None, timeout_s: float | None = None) -> None: ...


class Hangs:
    """`stop(pid, signum, timeout_s)` ends a process; `on_failure` counts it as a failure of its slot."""

    def __init__(self, charge: Charge, *, stop: _Stop, on_failure: Callable[[Failure, str], None]) -> None:
        self._charge = charge
        self._stop = stop
        self._on_failure = on_failure
        self._timer: asyncio.TimerHandle | None = None
        self._expected = 0.0

    def schedule(self) -> None:
        """Processes may have become ready. A timer that is set is early enough for all of them."""
        if self._timer is None and self._charge.config.hang_timeout and self._charge.watcher.is_up:
            found = [at for process in self._judged() if (at := self._hangs_at(process)) is not None]
            if found:
                self._set(min(found))

    def cancel(self) -> None:
        """Judge nobody any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, at: float) -> None:
        means = self._charge.means
        now = means.clock()
        self._expected = max(now + _LEAST_PAUSE_S, at)
        self._timer = means.loop.call_later(self._expected - now, self._due)

    def _due(self) -> None:
        self._timer = None
        now = self._charge.means.clock()
        if now - self._expected > _STOOD_STILL_S:
            self._set(now + max(_LEAST_BEAT_S, self._charge.config.hang_timeout / _BEATS))
            return
        for process in self._judged():
            at = self._hangs_at(process)
            if at is not None and at <= now:
                self._end(process, now)
        self.schedule()

    def _judged(self) -> list[Process]:
        # One that comes up has its ready_timeout, one that stops its graceful_timeout.
        return [each for each in self._charge.watcher.serving() if each.state is ProcessState.READY and each.post]

    def _hangs_at(self, process: Process) -> float | None:
        return None if process.post is None else self._charge.means.posts.hangs_at(process.post)

    def _end(self, process: Process, now: float) -> None:
        charge = self._charge
        timeout_s = charge.config.hang_timeout
        text = f"{charge.label(process)} hangs: its loop has not turned for {timeout_s:g} s"
        charge.publish(
            ProcessHung(
                watcher=charge.name,
                time=charge.epoch(),
                process_pid=process.pid,
                wid=process.wid,
                timeout_s=timeout_s,
            )
        )
        self._stop(process.pid, _DUMP, _GRACE_S)
        if process.generation != charge.watcher.retiring:
            # It has served: the first of a row.
            self._on_failure(charge.watcher.judged(process.wid, now, was_healthy=True), text)
