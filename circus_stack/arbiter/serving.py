"""Whether one watcher's processes serve: what they say themselves, what their probes say, and what comes too late."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.readiness_watch import ReadinessWatch
from circus_stack.arbiter.watcher import Failure
from circus_stack.events import ProcessReady, ProcessUnready, ReadyTimedOut

# Beside systemd's own words, as sd_notify(3) has it for others: the process asks for a successor, for that reason.
_REPLACE = "X_CIRCUS_REPLACE"
# Of a reason, as much as is put into an event.
_MOST_SHOWN = 200


class Serving:
    """Notes readiness. `stop(pid)` ends a process that was not ready in time; `on_told` and `on_change` are called when
    a process has said something, and when there may be something to decide. `on_wish(pid, reason)`: a process asks to
    be replaced."""

    def __init__(
        self,
        charge: Charge,
        *,
        stop: Callable[[int], None],
        on_failure: Callable[[Failure, str], None],
        on_told: Callable[[], None],
        on_change: Callable[[], None],
        on_wish: Callable[[int, str], None],
    ) -> None:
        self._charge = charge
        self._stop = stop
        self._on_failure = on_failure
        self._on_told = on_told
        self._on_change = on_change
        self._on_wish = on_wish
        self.watch = ReadinessWatch(charge.means, self.became_ready, self._timed_out)

    def notified(self, pid: int, fields: Mapping[str, str]) -> None:
        """What a process said the way sd_notify does."""
        if fields.get("STOPPING") == "1":
            self._became_unready(pid, "it says that it stops")
        elif fields.get("RELOADING") == "1":
            self._became_unready(pid, "it says that it reloads")
        if fields.get("READY") == "1":
            self.became_ready(pid)
        wish = fields.get(_REPLACE)
        if wish is not None:
            self._on_wish(pid, _printable(wish) or "it asks for it")

    def became_ready(self, pid: int) -> None:
        """The process serves: its probe or its own READY=1 says so."""
        charge = self._charge
        now = charge.means.clock()
        if not charge.watcher.became_ready(pid, now):
            return
        self.watch.forget(pid)
        process = charge.watcher.processes[pid]
        charge.publish(
            ProcessReady(
                watcher=charge.name,
                time=charge.epoch(),
                process_pid=pid,
                wid=process.wid,
                after_s=now - process.spawned_at,
            )
        )
        self._on_told()

    def _became_unready(self, pid: int, reason: str) -> None:
        charge = self._charge
        if charge.watcher.became_unready(pid):
            charge.publish(ProcessUnready(watcher=charge.name, time=charge.epoch(), process_pid=pid, reason=reason))
            self._on_told()

    def _timed_out(self, pid: int) -> None:
        charge = self._charge
        process, timeout_s = charge.watcher.processes[pid], charge.config.ready_timeout
        charge.publish(ReadyTimedOut(watcher=charge.name, time=charge.epoch(), process_pid=pid, timeout_s=timeout_s))
        self._stop(pid)
        if process.generation != charge.watcher.retiring:
            failure = charge.watcher.failed(process.wid, charge.means.clock())
            self._on_failure(failure, f"{charge.label(process)} was not ready within {timeout_s:g} s")
        self._on_change()


def _printable(text: str) -> str:
    return "".join(each for each in text[:_MOST_SHOWN] if each.isprintable()).strip()
