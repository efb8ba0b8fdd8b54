"""The end of one watcher's processes: asked for, enforced, noted, and waited for until the whole group is gone."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Mapping

from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.condition import LastEnd
from circus_stack.arbiter.deadlines import Deadlines
from circus_stack.arbiter.on_demand import Demand
from circus_stack.arbiter.orphans import Orphans
from circus_stack.arbiter.process import Process
from circus_stack.arbiter.readiness_watch import ReadinessWatch
from circus_stack.arbiter.runs import is_run_again
from circus_stack.arbiter.signalling import Signalling
from circus_stack.arbiter.watcher import Failure
from circus_stack.config.values import KillMode
from circus_stack.events import LimitReached, ProcessReaped, ProcessUnready, RunTimedOut
from circus_stack.exits import describe_exit
from circus_stack.states import ProcessState, ProcessStep
from circus_stack.system.spawn import Child

log = logging.getLogger(__name__)

# What a crashed leader leaves behind in its group has this long: its successor may be waiting for it.
_CRASH_GRACE_S = 1.0
# psutil-like word of Circus for a process that is gone; its after_reap gets it where nobody had asked for the end.
_NO_LONGER_EXISTS = 2


class Ends:
    """Ends processes. `on_failure(failure, reason)` and `on_change()` tell what the watcher has to decide on."""

    def __init__(
        self,
        charge: Charge,
        signalling: Signalling,
        readiness: ReadinessWatch,
        demand: Demand,
        on_failure: Callable[[Failure, str], None],
        on_change: Callable[[], None],
    ) -> None:
        self._charge = charge
        self._signalling = signalling
        self._readiness = readiness
        self._demand = demand
        self._on_failure = on_failure
        self._on_change = on_change
        self._kills = Deadlines(charge.means.loop)
        self.orphans = Orphans(charge, self._orphans_over)
        self._runtimes = Deadlines(charge.means.loop)
        # What the after_reap hook of a process that was held is to be told.
        self._reaped: dict[int, dict[str, object]] = {}

    # -- asking, and no longer asking -------------------------------------------------------------------------

    def stop(self, pid: int, signum: int | None = None, timeout_s: float | None = None) -> None:
        """Ask a process to go: `signum` now, SIGKILL to its whole group after `timeout_s` seconds.

        Both default to the watcher's own. A process that is already asked to go is not asked again.
        """
        process, config = self._charge.watcher.processes.get(pid), self._charge.config
        if process is None or process.is_lingering or process.is_stopping:
            return
        timeout_s = config.graceful_timeout if timeout_s is None else timeout_s
        process.step(ProcessStep.STOP)
        self._readiness.forget(pid)
        self.orphans.look(pid)
        # Set first: a hook before the signal may take its time, but not more than the process itself has.
        self._kills.set(pid, timeout_s, self.kill)
        self._signalling.ask_to_end(
            pid, config.stop_signal if signum is None else signum, lambda: self._signalled(pid, timeout_s)
        )

    def limit_runtime(self, pid: int) -> None:
        """A process was started: where it is to run to its end, it has so long for it."""
        charge, config = self._charge, self._charge.config
        if config.runs_once and config.max_runtime:
            ran_s = charge.means.clock() - charge.watcher.processes[pid].spawned_at
            self._runtimes.set(pid, max(0.0, config.max_runtime - ran_s), self._ran_too_long)

    def _ran_too_long(self, pid: int) -> None:
        charge = self._charge
        if pid in charge.watcher.processes:
            timeout_s = charge.config.max_runtime
            charge.publish(RunTimedOut(watcher=charge.name, time=charge.epoch(), process_pid=pid, timeout_s=timeout_s))
            self.stop(pid)

    def _signalled(self, pid: int, timeout_s: float) -> None:
        """The process has all of its time from the signal on, also where a hook took some before it."""
        if pid in self._charge.watcher.processes and pid in self._kills:
            self._kills.set(pid, timeout_s, self.kill)

    def kill(self, pid: int) -> None:
        """SIGKILL to a process and to all of its group, now."""
        process = self._charge.watcher.processes.get(pid)
        if process is None:
            return
        if process.is_lingering:
            self.orphans.hurry(pid)
            # The leader's number may be a stranger's by now, if the last member has just gone.
            reaper = self._charge.means.reaper
            if not reaper.signal_orphaned_group(pid, signal.SIGKILL) and not self.orphans.is_awaited(pid):
                self._forget(pid)
                self._on_change()
            return
        process.step(ProcessStep.STOP)
        self._readiness.forget(pid)
        self._kills.cancel(pid)
        self.orphans.look(pid)
        self._signalling.kill(pid)
        # Where it has ended already and only a hook keeps it from being reaped: that hook has had its time.
        self._charge.means.reaper.release(pid)

    def kill_all(self) -> None:
        """SIGKILL to every process and its group, now, and no hook is waited for from here on."""
        self._charge.hooks.close()
        self.orphans.hurry()
        for pid in tuple(self._charge.watcher.processes):
            self.kill(pid)

    def stop_all(self) -> frozenset[int]:
        """Ask every process to go; their pids, those included that were already on their way."""
        # In the order of their start, as in Circus: their hooks are called in it.
        pids = tuple(self._charge.watcher.processes)
        for pid in pids:
            self.stop(pid)
        return frozenset(pids)

    def release_all(self) -> frozenset[int]:
        """Let every process live on as nobody's; their pids. Their ends are still reaped, and no longer told."""
        processes = self._charge.watcher.processes
        pids = frozenset(processes)
        for pid in pids:
            self._readiness.forget(pid)
            self._kills.cancel(pid)
            # From the table first: its end may be due already.
            del processes[pid]
            self._charge.means.reaper.disown(pid)
        return pids

    def kill_at(self, pid: int) -> float | None:
        """When SIGKILL follows, by the loop's clock; None where nobody has asked the process to go."""
        return self._kills.at(pid)

    def restore(self, kill_at: Mapping[int, float], now: float) -> None:
        """Go on with the ends that another one has asked for."""
        for pid, at in kill_at.items():
            self._kills.set(pid, max(0.0, at - now), self.kill)

    def watch(self, child: Child) -> None:
        """Hear of the end of a process of the watcher."""
        self._charge.means.reaper.add(child, self.exited, self.leader_ended)

    # -- noting an end ----------------------------------------------------------------------------------------

    def leader_ended(self, pid: int) -> bool:
        """While the zombie keeps the group's number: ask what is left of the group to go. True: a hook is to see it."""
        # What it said last may lie unread beside the news of its end.
        self._charge.means.hear()
        if self._charge.config.kill_mode is not KillMode.PROCESS:
            self._charge.means.reaper.signal_group(pid, self._charge.config.stop_signal)
        if not self._charge.hooks.has("before_reap"):
            return False
        self._charge.hooks.background(self._reap_in_turn(pid))
        return True

    async def _reap_in_turn(self, pid: int) -> None:
        means, hooks = self._charge.means, self._charge.hooks
        async with hooks.lane:
            if means.reaper.is_held(pid):
                await hooks.call("before_reap", process_pid=pid, time=means.epoch())
                means.reaper.release(pid)
            await self._tell_reaped(pid)

    def exited(self, pid: int, exit_code: int | None) -> None:
        """The leader is reaped: count its end, and see whether anything of its group is left. None: it was adopted, and
        how it ended is known to its parent alone."""
        charge = self._charge
        process = charge.watcher.processes[pid]
        if exit_code is None:
            charge.runs.note_unseen(process.wid, again=is_run_again(charge.config))
        else:
            charge.runs.note(process.wid, exit_code)
        self._runtimes.cancel(pid)
        charge.means.posts.release(process.post)
        process.post = None
        charge.means.gates.left(charge.config.name, pid)
        expected, was_ready = process.is_stopping, process.state is ProcessState.READY
        ended = describe_exit(exit_code) + self._why_killed(process, exit_code)
        self._readiness.forget(pid)
        is_done = (charge.config.on_demand or charge.config.runs_once) and exit_code == 0
        # It may have done its work, and isn't begun a second time.
        is_done |= charge.config.runs_once and exit_code is None and not is_run_again(charge.config)
        # A server that ends when it is idle has run well if it leaves nobody waiting.
        has_served = is_done and not expected and self._demand.is_served()
        expected_end = expected or charge.watcher.is_final(process, exit_code) or (is_done and charge.config.runs_once)
        failure = charge.watcher.exited(
            pid, charge.means.clock(), code=exit_code, is_done=is_done, has_served=has_served
        )
        self._release(process, is_expected=expected, is_ours=exit_code is not None)
        now = charge.epoch()
        if not expected:
            charge.last_end = LastEnd(pid, process.wid, exit_code, ended, now)
        if was_ready:
            charge.publish(ProcessUnready(watcher=charge.name, time=now, process_pid=pid, reason=ended))
        charge.publish(
            ProcessReaped(watcher=charge.name, time=now, process_pid=pid, exit_code=exit_code, expected=expected_end)
        )
        self._note_for_hook(pid, exit_code, expected_end)
        if failure is not None:
            when = "" if process.ready_at is not None else " before it was ready"
            self._on_failure(failure, f"{charge.label(process)} {ended}{when}")
        self._on_change()

    def _why_killed(self, process: Process, exit_code: int | None) -> str:
        """What to say of a kill by the kernel, which is told as an event; nothing where it was none."""
        charge = self._charge
        if exit_code == 0 or not charge.means.control_groups.has_killed(charge.name):
            return ""
        limit = str(charge.config.memory_max)
        reason = f"killed by the kernel: memory_max {limit} reached"
        log.warning("%s was %s", charge.label(process), reason)
        charge.publish(
            LimitReached(
                watcher=charge.name, time=charge.epoch(), process_pid=process.pid, option="memory_max", limit=limit
            )
        )
        return f" ({reason})"

    def _note_for_hook(self, pid: int, exit_code: int | None, expected: bool) -> None:
        hooks = self._charge.hooks
        if hooks.has("after_reap"):
            self._reaped[pid] = {
                "process_pid": pid,
                "time": self._charge.epoch(),
                "exit_code": exit_code,
                "process_status": None if expected else _NO_LONGER_EXISTS,
            }
            if not hooks.has("before_reap"):
                hooks.background(self._tell_in_turn(pid))

    async def _tell_in_turn(self, pid: int) -> None:
        async with self._charge.hooks.lane:
            await self._tell_reaped(pid)

    async def _tell_reaped(self, pid: int) -> None:
        details = self._reaped.pop(pid, None)
        if details is not None:
            await self._charge.hooks.call("after_reap", **details)

    def _release(self, process: Process, *, is_expected: bool, is_ours: bool) -> None:
        """Forget a process whose leader is reaped, or wait for what lives on of it: for the members of its group, and,
        where its end was asked for, for whatever else it had started. A crashed one's successor need not wait for that.
        """
        pid = process.pid
        grace_s = self._kills.left_s(pid) if is_expected else _CRASH_GRACE_S
        self.orphans.capture(process, is_awaited=is_expected, is_ours=is_ours, grace_s=grace_s)
        if not self._is_there(pid):
            self._forget(pid)
            return
        process.is_lingering = True
        self._charge.means.reaper.follow_group(pid)
        if pid not in self._kills:
            self._kills.set(pid, grace_s, self.kill)

    def _is_there(self, pid: int) -> bool:
        """Whether anything is left, that counts, of a process whose leader is reaped."""
        return self.orphans.is_awaited(pid) or self._has_group(pid)

    def _has_group(self, pid: int, *, thoroughly: bool = False) -> bool:
        if self._charge.config.kill_mode is KillMode.PROCESS:
            return False
        return self._charge.means.reaper.has_group(pid, thoroughly=thoroughly)

    def _orphans_over(self, pid: int) -> None:
        """Nothing is left of a process but, perhaps, zombies in its group."""
        process = self._charge.watcher.processes.get(pid)
        if process is not None and process.is_lingering and not self._is_there(pid):
            self._forget(pid)
        self._on_change()

    def check_lingering(self, *, thoroughly: bool = False) -> None:
        """A stranger was reaped: see whether it was the last of a group that outlived its leader. `thoroughly`: no
        zombie counts, whose parent may be somebody who never reaps; that takes a look at every process there is."""
        lingering = [process.pid for process in self._charge.watcher.processes.values() if process.is_lingering]
        waiting = [pid for pid in lingering if not self.orphans.is_awaited(pid)]
        gone = [pid for pid in waiting if not self._has_group(pid, thoroughly=thoroughly)]
        for pid in gone:
            self._forget(pid)
        if gone:
            self._on_change()

    def _forget(self, pid: int) -> None:
        self._charge.watcher.forget(pid)
        self._charge.means.reaper.forget_group(pid)
        self._kills.cancel(pid)
