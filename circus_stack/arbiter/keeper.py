"""The hands of one watcher: spawns, signals, notes exits and readiness, and has the watcher decide after each of them.

Nothing here waits but for a condition: what takes its time are the operations. A keeper knows its watcher and its
processes, and nobody above.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable

from circus_stack.arbiter.deadlines import Deadlines
from circus_stack.arbiter.launch import plan_launch
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.process import Process
from circus_stack.arbiter.readiness_watch import ReadinessWatch
from circus_stack.arbiter.watcher import Failure, Spawn, Stop, WakeAt, Watcher
from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import CircusStackError, CommandError, Errno, ResourceShortageError
from circus_stack.events import (
    Event,
    ProcessKilled,
    ProcessReady,
    ProcessReaped,
    ProcessSpawned,
    ReadyTimedOut,
    RespawnDelayed,
    SpawnFailed,
    WatcherFailed,
    WatcherStarted,
    WatcherStopped,
)
from circus_stack.exits import describe_exit
from circus_stack.states import ProcessState, ProcessStep, WatcherState, WatcherStep
from circus_stack.system.descent import descendants, signal_group, signal_own_group
from circus_stack.system.spawn import is_shortage

log = logging.getLogger(__name__)

# A spawn blocks the loop for one to two milliseconds; after so many of them, commands get their turn.
_SPAWNS_A_TURN = 4
# How long a slot waits when the machine, not the command, is at fault: no descriptors, no memory, no processes left.
_SHORTAGE_S = 1.0
# What a crashed leader leaves behind in its group has this long: its successor may be waiting for it.
_CRASH_GRACE_S = 1.0


class Keeper:
    """Keeps one watcher's processes. Operations take `turn`s, in the order in which they were asked for."""

    def __init__(self, config: WatcherConfig, means: Means) -> None:
        self.watcher = Watcher(config)
        # The start that waits for its dependencies meanwhile: nothing is spawned as long as there is one.
        self.holder: object | None = None
        # Why the new generation of a reload that is under way will not do; None while it still may.
        self.reload_failure: str | None = None
        self._means = means
        self._lock = asyncio.Lock()
        self._interrupts = 0
        self._is_closed = False
        self._is_due = False
        self._wake: asyncio.TimerHandle | None = None
        self._kills = Deadlines(means.loop)
        self._readiness = ReadinessWatch(means, self.became_ready, self._ready_timed_out)

    @property
    def name(self) -> str:
        return self.watcher.config.name

    @property
    def config(self) -> WatcherConfig:
        return self.watcher.config

    # -- turns of operations ----------------------------------------------------------------------------------

    @property
    def interrupts(self) -> int:
        """Grows whenever an operation overtakes those that were asked for before it."""
        return self._interrupts

    def interrupt(self) -> int:
        """Overtake whatever waits, for its turn or for a condition; the number to `check` against from here on."""
        self._interrupts += 1
        self._means.pulse.beat()
        return self._interrupts

    def close(self) -> None:
        """Spawn nothing from here on and let no operation begin or go on but a stop: the end of this watcher."""
        self._is_closed = True
        self.interrupt()

    def check(self, asked: int) -> None:
        """Raise CommandError if an operation that was asked for at `asked` interrupts has been overtaken since."""
        if self._is_closed or self._interrupts != asked:
            raise CommandError(f"the operation on {self.name} was overtaken by a stop", Errno.COMMAND_ERROR)

    @contextlib.asynccontextmanager
    async def turn(self, asked: int | None = None) -> AsyncIterator[None]:
        """Have the watcher to oneself; raises CommandError if overtaken while waiting for it."""
        asked = self._interrupts if asked is None else asked
        async with self._lock:
            self.check(asked)
            yield

    @contextlib.asynccontextmanager
    async def last_turn(self) -> AsyncIterator[None]:
        """Have the watcher to oneself for a stop: overtakes everything, and is overtaken by nothing."""
        self.interrupt()
        async with self._lock:
            yield

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition over the watcher; raises CommandError if the operation is overtaken meanwhile."""
        asked = self._interrupts
        await self._means.pulse.wait_until(lambda: self._is_closed or self._interrupts != asked or condition())
        self.check(asked)

    async def wait_gone(self, pids: frozenset[int]) -> None:
        """Wait until none of these processes, nor any member of their groups, is left; not to be overtaken."""
        await self._means.pulse.wait_until(lambda: pids.isdisjoint(self.watcher.processes))

    # -- towards the wanted state -----------------------------------------------------------------------------

    def change_config(self, config: WatcherConfig) -> None:
        """What is decided and spawned from here on follows another configuration."""
        self.watcher.config = config
        self._means.pulse.beat()

    def converge(self) -> None:
        """Do what the watcher decides: spawn what is missing, stop what is too many."""
        if self._is_closed or self.holder is not None or self.reload_failure is not None:
            self._means.pulse.beat()
            return
        actions = self.watcher.converge(self._means.clock(), _SPAWNS_A_TURN)
        for action in actions:
            match action:
                case Spawn(wid):
                    self._spawn(wid)
                case Stop(pid):
                    self.stop_process(pid)
                case WakeAt(at):
                    self._wake_at(at)
        if any(isinstance(action, Spawn) for action in actions):
            # There may be more to spawn, and a slot that failed has a delay now; exits and commands come first.
            self.converge_soon()
        self._settle()

    def converge_soon(self) -> None:
        """Decide again in the loop's next turn, once, however often this is asked for until then."""
        if not self._is_due:
            self._is_due = True
            self._means.loop.call_soon(self._converge_now)

    def _converge_now(self) -> None:
        self._is_due = False
        self.converge()

    def _wake_at(self, at: float) -> None:
        if self._wake is not None:
            self._wake.cancel()
        self._wake = self._means.loop.call_later(max(0.0, at - self._means.clock()), self.converge)

    def _settle(self) -> None:
        watcher = self.watcher
        if watcher.state is WatcherState.STARTING and self.holder is None and watcher.has_all_ready():
            watcher.step(WatcherStep.COME_UP)
            self.publish(WatcherStarted(watcher=self.name, time=self.epoch()))
        elif watcher.is_up and watcher.done and not watcher.processes:
            watcher.step(WatcherStep.STOP)
            self.come_down()
        self._means.pulse.beat()

    def come_down(self) -> None:
        """The last process is gone."""
        self.watcher.step(WatcherStep.COME_DOWN)
        self.publish(WatcherStopped(watcher=self.name, time=self.epoch()))
        self._means.pulse.beat()

    # -- one process ------------------------------------------------------------------------------------------

    def _spawn(self, wid: int) -> None:
        means, config = self._means, self.config
        capture = None
        try:
            capture = means.open_capture(config, wid)
            plan = plan_launch(config, wid, means.surroundings(), capture.stdout_fd, capture.stderr_fd)
            child = means.spawn(plan)
        except Exception as error:
            if capture is not None:
                capture.abandon()
            self._spawn_failed(wid, error)
            return
        capture.attach(child.pid)
        process = self.watcher.spawned(child.pid, wid, means.clock(), means.epoch())
        means.reaper.add(child, self._exited, self._leader_ended)
        self.publish(ProcessSpawned(watcher=self.name, time=process.started_at, process_pid=child.pid, wid=wid))
        self._readiness.expect(child.pid, config, plan.env, plan.cwd)

    def _spawn_failed(self, wid: int, error: Exception) -> None:
        if not isinstance(error, (CircusStackError, OSError)):
            # A sink of the user's own, or a mistake of ours: whoever mends it needs the traceback.
            log.error("%s.%d could not be spawned", self.name, wid, exc_info=error)
        self.publish(SpawnFailed(watcher=self.name, time=self.epoch(), reason=str(error) or repr(error)))
        now = self._means.clock()
        if isinstance(error, ResourceShortageError) or (isinstance(error, OSError) and is_shortage(error)):
            self.watcher.postpone(wid, now + _SHORTAGE_S)
        else:
            self._failed(self.watcher.failed(wid, now), str(error))

    def became_ready(self, pid: int) -> None:
        """The process serves: its probe or its own READY=1 says so."""
        if not self.watcher.became_ready(pid, self._means.clock()):
            return
        self._readiness.forget(pid)
        process = self.watcher.processes[pid]
        after_s = (process.ready_at or 0.0) - process.spawned_at
        self.publish(
            ProcessReady(watcher=self.name, time=self.epoch(), process_pid=pid, wid=process.wid, after_s=after_s)
        )
        self._settle()

    def _ready_timed_out(self, pid: int) -> None:
        process, timeout_s = self.watcher.processes[pid], self.config.ready_timeout
        self.publish(ReadyTimedOut(watcher=self.name, time=self.epoch(), process_pid=pid, timeout_s=timeout_s))
        self.stop_process(pid)
        if process.generation != self.watcher.retiring:
            failure = self.watcher.failed(process.wid, self._means.clock())
            self._failed(failure, f"{self.label(process)} was not ready within {timeout_s:g} s")
        self.converge()

    def send_signal(self, pid: int, signum: int) -> bool:
        """Send any signal to a process, which is not thereby expected to end; False where it is gone."""
        return self._means.reaper.send(pid, signum)

    def signal_family(self, pid: int, signum: int, *, children: bool, recursive: bool) -> None:
        """Signal a process; with `children` its children in its place, with `recursive` all descendants and itself."""
        if children or recursive:
            for each in descendants(pid, recursive=recursive):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signum)
        if recursive or not children:
            self.send_signal(pid, signum)

    def signal_descendant(self, pid: int | None, child_pid: int, signum: int) -> None:
        """Signal one descendant of a process; CommandError if it is none."""
        if pid is None or child_pid not in descendants(pid):
            raise CommandError(f"process {child_pid} is no descendant of process {pid} in {self.name}")
        with contextlib.suppress(ProcessLookupError):
            os.kill(child_pid, signum)

    # -- the end of a process ---------------------------------------------------------------------------------

    def stop_process(self, pid: int, signum: int | None = None, timeout_s: float | None = None) -> None:
        """Ask a process to go: `signum` now, SIGKILL to its whole group after `timeout_s` seconds.

        Both default to the watcher's own. A process that is already asked to go is not asked again.
        """
        process, config = self.watcher.processes.get(pid), self.config
        if process is None or process.is_lingering or process.is_stopping:
            return
        process.step(ProcessStep.STOP)
        self._readiness.forget(pid)
        self._signal_to_end(pid, config.stop_signal if signum is None else signum)
        self._kills.set(pid, config.graceful_timeout if timeout_s is None else timeout_s, self.kill_process)

    def _signal_to_end(self, pid: int, signum: int) -> None:
        if self.config.stop_children:
            signal_group(pid, signum)
        else:
            self._means.reaper.send(pid, signum)
        self.publish(ProcessKilled(watcher=self.name, time=self.epoch(), process_pid=pid, signum=signum))

    def kill_process(self, pid: int) -> None:
        """SIGKILL to a process and to all of its group, now."""
        process = self.watcher.processes.get(pid)
        if process is None:
            return
        if process.is_lingering:
            # The leader's number may be a stranger's by now, if the last member has just gone.
            if not signal_own_group(pid, signal.SIGKILL):
                self._forget(pid)
                self.converge_soon()
            return
        process.step(ProcessStep.STOP)
        self._readiness.forget(pid)
        signum = int(signal.SIGKILL)
        self.publish(ProcessKilled(watcher=self.name, time=self.epoch(), process_pid=pid, signum=signum))
        signal_group(pid, signum)

    def kill_all(self) -> None:
        """SIGKILL to every process and its group, now."""
        for pid in tuple(self.watcher.processes):
            self.kill_process(pid)

    def stop_all(self) -> frozenset[int]:
        """Ask every process to go; their pids, those included that were already on their way."""
        pids = frozenset(self.watcher.processes)
        for pid in pids:
            self.stop_process(pid)
        return pids

    def _leader_ended(self, pid: int) -> None:
        """While the zombie keeps the group's number: ask what is left of the group to go."""
        signal_group(pid, self.config.stop_signal)

    def _exited(self, pid: int, exit_code: int) -> None:
        process = self.watcher.processes[pid]
        expected, was_ready = process.is_stopping, process.state is ProcessState.READY
        self._readiness.forget(pid)
        failure = self.watcher.exited(pid, self._means.clock())
        self._release_group(process, self.config.graceful_timeout if expected else _CRASH_GRACE_S)
        self.publish(
            ProcessReaped(watcher=self.name, time=self.epoch(), process_pid=pid, exit_code=exit_code, expected=expected)
        )
        if failure is not None:
            when = "" if was_ready else " before it was ready"
            self._failed(failure, f"{self.label(process)} {describe_exit(exit_code)}{when}")
        self.converge_soon()

    def _release_group(self, process: Process, grace_s: float) -> None:
        """Forget a process whose leader is reaped, or, while members of its group live on, wait for those."""
        if not signal_group(process.pid, 0):
            self._forget(process.pid)
            return
        process.is_lingering = True
        if process.pid not in self._kills:
            self._kills.set(process.pid, grace_s, self.kill_process)

    def check_lingering(self) -> None:
        """A stranger was reaped: see whether it was the last of a group that outlived its leader."""
        lingering = [process.pid for process in self.watcher.processes.values() if process.is_lingering]
        gone = [pid for pid in lingering if not signal_group(pid, 0)]
        for pid in gone:
            self._forget(pid)
        if gone:
            self.converge_soon()

    def _forget(self, pid: int) -> None:
        self.watcher.forget(pid)
        self._kills.cancel(pid)

    def _failed(self, failure: Failure, reason: str) -> None:
        watcher = self.watcher
        if watcher.retiring is not None:
            self.reload_failure = self.reload_failure or reason
            self._means.pulse.beat()
        elif failure.gives_up and watcher.is_up:
            watcher.step(WatcherStep.GIVE_UP)
            count = self.config.max_failures * max(1, watcher.wanted)
            limit = f"{count} failures in {self.config.failure_window:g} s"
            reason = f"given up after {limit}; the last: {reason}"
            self.publish(WatcherFailed(watcher=self.name, time=self.epoch(), reason=reason))
            self.stop_all()
            self._means.pulse.beat()
        elif failure.delay_s:
            delay_s, failures = failure.delay_s, failure.failures
            self.publish(RespawnDelayed(watcher=self.name, time=self.epoch(), delay_s=delay_s, failures=failures))

    # -- words ------------------------------------------------------------------------------------------------

    def publish(self, event: Event) -> None:
        """Tell what happened to this watcher."""
        self._means.publish(event)

    def epoch(self) -> float:
        """The time of day, for an event."""
        return self._means.epoch()

    def label(self, process: Process) -> str:
        """How messages name a process."""
        return f"{self.name}.{process.wid} (pid {process.pid})"
