"""The hands of one watcher: spawns, signals, notes exits and readiness, and has the watcher decide after each of them.

Nothing here waits: what can wait are the operations. A keeper knows its watcher and its processes, and nobody above.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from functools import partial

from circus_stack.arbiter import readiness
from circus_stack.arbiter.launch import plan_launch
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.process import Process
from circus_stack.arbiter.watcher import Failure, Spawn, Stop, WakeAt, Watcher
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import ReadinessForm
from circus_stack.errors import CircusStackError, CommandError, Errno
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
from circus_stack.states import ProcessState, ProcessStep, WatcherState, WatcherStep
from circus_stack.system.command import run_command
from circus_stack.system.descent import descendants, signal_group

# A spawn blocks the loop for one to two milliseconds; after so many of them, commands get their turn.
_SPAWNS_A_TURN = 4


class Keeper:
    """Keeps one watcher's processes. Operations take `lock` in the order in which they were asked for."""

    def __init__(self, config: WatcherConfig, means: Means) -> None:
        self.watcher = Watcher(config)
        self.lock = asyncio.Lock()
        # True while a start waits for its dependencies: nothing is spawned yet.
        self.is_held = False
        # Why the new generation of a reload that is under way will not do; None while it still may.
        self.reload_failure: str | None = None
        self._means = means
        self._epoch = 0
        self._wake: asyncio.TimerHandle | None = None
        self._deadlines: dict[int, asyncio.TimerHandle] = {}
        self._ready_deadlines: dict[int, asyncio.TimerHandle] = {}
        self._probes: dict[int, asyncio.Task[None]] = {}

    @property
    def name(self) -> str:
        return self.watcher.config.name

    @property
    def config(self) -> WatcherConfig:
        return self.watcher.config

    # -- operations -------------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """End the waits of the operation that holds the lock: something that cannot wait for it has come."""
        self._epoch += 1
        self._means.pulse.beat()

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition over the watcher; raises CommandError if the operation is interrupted meanwhile."""
        epoch = self._epoch
        await self._means.pulse.wait_until(lambda: self._epoch != epoch or condition())
        if self._epoch != epoch:
            raise CommandError(f"the operation on {self.name} was overtaken by a stop", Errno.COMMAND_ERROR)

    async def wait_gone(self, pids: frozenset[int]) -> None:
        """Wait until none of these processes, nor any member of their groups, is left; not interruptible."""
        await self._means.pulse.wait_until(lambda: pids.isdisjoint(self.watcher.processes))

    def change_config(self, config: WatcherConfig) -> None:
        """What is decided and spawned from here on follows another configuration."""
        self.watcher.config = config

    def publish(self, event: Event) -> None:
        """Tell what happened to this watcher."""
        self._means.publish(event)

    def epoch(self) -> float:
        """The time of day, for an event."""
        return self._means.epoch()

    # -- towards the wanted state -----------------------------------------------------------------------------

    def converge(self) -> None:
        """Do what the watcher decides: spawn what is missing, stop what is too many."""
        if self.is_held or self.reload_failure is not None:
            self._means.pulse.beat()
            return
        spawned = 0
        for action in self.watcher.converge(self._means.clock()):
            match action:
                case Spawn(wid):
                    if spawned == _SPAWNS_A_TURN:
                        self._means.loop.call_soon(self.converge)
                        break
                    spawned += 1
                    if not self._spawn(wid):
                        # Its delay stands in the watcher now; the next decision knows when to try again.
                        self._means.loop.call_soon(self.converge)
                        break
                case Stop(pid):
                    self.stop_process(pid)
                case WakeAt(at):
                    self._wake_at(at)
        self._settle()

    def _wake_at(self, at: float) -> None:
        if self._wake is not None:
            self._wake.cancel()
        delay_s = max(0.0, at - self._means.clock())
        self._wake = self._means.loop.call_later(delay_s, self.converge)

    def _settle(self) -> None:
        watcher = self.watcher
        if watcher.state is WatcherState.STARTING and not self.is_held and watcher.has_all_ready():
            watcher.step(WatcherStep.COME_UP)
            self._means.publish(WatcherStarted(watcher=self.name, time=self._means.epoch()))
        elif watcher.is_up and not self.config.respawn and not watcher.wanted and not watcher.processes:
            watcher.step(WatcherStep.STOP)
            self.come_down()
        self._means.pulse.beat()

    def come_down(self) -> None:
        """The last process is gone."""
        self.watcher.step(WatcherStep.COME_DOWN)
        self._means.publish(WatcherStopped(watcher=self.name, time=self._means.epoch()))
        self._means.pulse.beat()

    # -- one process ------------------------------------------------------------------------------------------

    def _spawn(self, wid: int) -> bool:
        means, config = self._means, self.config
        capture = None
        try:
            capture = means.open_capture(config, wid)
            plan = plan_launch(config, wid, means.surroundings(), capture.stdout_fd, capture.stderr_fd)
            child = means.spawn(plan)
        except (CircusStackError, OSError) as error:
            if capture is not None:
                capture.abandon()
            means.publish(SpawnFailed(watcher=self.name, time=means.epoch(), reason=str(error)))
            self._failed(self.watcher.failed(wid, means.clock()), str(error))
            return False
        capture.attach(child.pid)
        process = self.watcher.spawned(child.pid, wid, means.clock(), means.epoch())
        means.reaper.add(child, self._exited)
        means.publish(ProcessSpawned(watcher=self.name, time=process.started_at, process_pid=child.pid, wid=wid))
        self._expect_ready(process, plan.env, plan.cwd)
        return True

    def _expect_ready(self, process: Process, env: Mapping[str, str], cwd: str | None) -> None:
        config, pid = self.config, process.pid
        form = config.ready.form
        if form is ReadinessForm.NONE:
            self.became_ready(pid)
            return
        self._ready_deadlines[pid] = self._means.loop.call_later(
            config.ready_timeout, self._ready_timed_out, pid, config.ready_timeout
        )
        if form is not ReadinessForm.NOTIFY:
            run = partial(run_command, self._means.reaper, env=env, cwd=cwd)
            self._probes[pid] = self._means.loop.create_task(self._probe(pid, run))

    async def _probe(self, pid: int, run: readiness.RunCommand) -> None:
        await readiness.wait_ready(self.config.ready, run)
        self.became_ready(pid)

    def became_ready(self, pid: int) -> None:
        """The process serves: its probe or its own READY=1 says so."""
        if not self.watcher.became_ready(pid, self._means.clock()):
            return
        self._cancel_readiness(pid, also_probe=False)
        process = self.watcher.processes[pid]
        after_s = (process.ready_at or 0.0) - process.spawned_at
        self._means.publish(
            ProcessReady(watcher=self.name, time=self._means.epoch(), process_pid=pid, wid=process.wid, after_s=after_s)
        )
        self._settle()

    def _ready_timed_out(self, pid: int, timeout_s: float) -> None:
        process = self.watcher.processes[pid]
        self._cancel_readiness(pid)
        self._means.publish(
            ReadyTimedOut(watcher=self.name, time=self._means.epoch(), process_pid=pid, timeout_s=timeout_s)
        )
        failure = self.watcher.failed(process.wid, self._means.clock())
        self.stop_process(pid)
        self._failed(failure, f"{self.label(process)} was not ready within {timeout_s:g} s")
        self.converge()

    def stop_process(self, pid: int, signum: int | None = None, timeout_s: float | None = None) -> None:
        """Ask a process to go: `signum` now, SIGKILL to its whole group after `timeout_s` seconds.

        Both default to the watcher's own. A process that is already asked to go is not asked again.
        """
        process = self.watcher.processes.get(pid)
        if process is None or process.is_lingering or process.is_stopping:
            return
        config = self.config
        process.step(ProcessStep.STOP)
        self._cancel_readiness(pid)
        self._signal_to_end(process, config.stop_signal if signum is None else signum)
        grace_s = config.graceful_timeout if timeout_s is None else timeout_s
        self._deadlines[pid] = self._means.loop.call_later(grace_s, self.kill_process, pid)

    def _signal_to_end(self, process: Process, signum: int) -> None:
        if self.config.stop_children:
            signal_group(process.pid, signum)
        else:
            self._means.reaper.send(process.pid, signum)
        self._means.publish(
            ProcessKilled(watcher=self.name, time=self._means.epoch(), process_pid=process.pid, signum=signum)
        )

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

    def kill_process(self, pid: int) -> None:
        """SIGKILL to a process and to all of its group, now."""
        process = self.watcher.processes.get(pid)
        if process is None:
            return
        if not process.is_lingering:
            process.step(ProcessStep.STOP)
            self._cancel_readiness(pid)
            self._means.publish(
                ProcessKilled(watcher=self.name, time=self._means.epoch(), process_pid=pid, signum=int(signal.SIGKILL))
            )
        signal_group(pid, signal.SIGKILL)

    def stop_all(self) -> frozenset[int]:
        """Ask every process to go; their pids, those included that were already on their way."""
        pids = frozenset(self.watcher.processes)
        for pid in pids:
            self.stop_process(pid)
        return pids

    # -- exits ------------------------------------------------------------------------------------------------

    def _exited(self, pid: int, exit_code: int) -> None:
        process = self.watcher.processes[pid]
        expected = process.is_stopping
        was_ready = process.state is ProcessState.READY
        self._cancel_readiness(pid)
        failure = self.watcher.exited(pid, self._means.clock())
        self._means.publish(
            ProcessReaped(
                watcher=self.name,
                time=self._means.epoch(),
                process_pid=pid,
                exit_code=exit_code,
                expected=expected,
            )
        )
        self._release_group(process)
        if not self.config.respawn and not expected:
            self.watcher.wanted = max(0, self.watcher.wanted - 1)
        elif failure is not None:
            when = "" if was_ready else " before it was ready"
            self._failed(failure, f"{self.label(process)} {describe_exit(exit_code)}{when}")
        self.converge()

    def _release_group(self, process: Process) -> None:
        """Forget a process whose leader is reaped, or, while members of its group live on, ask those to go."""
        pid = process.pid
        if not signal_group(pid, self.config.stop_signal):
            self._forget(pid)
            return
        process.is_lingering = True
        if pid not in self._deadlines:
            self._deadlines[pid] = self._means.loop.call_later(self.config.graceful_timeout, self.kill_process, pid)

    def check_lingering(self) -> None:
        """A stranger was reaped: see whether it was the last of a group that outlived its leader."""
        lingering = [process.pid for process in self.watcher.processes.values() if process.is_lingering]
        gone = [pid for pid in lingering if not signal_group(pid, 0)]
        for pid in gone:
            self._forget(pid)
        if gone:
            self.converge()

    def _forget(self, pid: int) -> None:
        self.watcher.forget(pid)
        deadline = self._deadlines.pop(pid, None)
        if deadline is not None:
            deadline.cancel()

    def _failed(self, failure: Failure, reason: str) -> None:
        watcher, means = self.watcher, self._means
        if watcher.retiring is not None:
            self.reload_failure = self.reload_failure or reason
            means.pulse.beat()
            return
        if failure.gives_up and watcher.is_up:
            watcher.step(WatcherStep.GIVE_UP)
            reason = (
                f"given up after {self.config.max_failures} failures in {self.config.failure_window:g} s; "
                f"the last: {reason}"
            )
            means.publish(WatcherFailed(watcher=self.name, time=means.epoch(), reason=reason))
            self.stop_all()
            means.pulse.beat()
        elif failure.delay_s:
            means.publish(
                RespawnDelayed(
                    watcher=self.name,
                    time=means.epoch(),
                    delay_s=failure.delay_s,
                    failures=failure.failures,
                )
            )

    def _cancel_readiness(self, pid: int, *, also_probe: bool = True) -> None:
        deadline = self._ready_deadlines.pop(pid, None)
        if deadline is not None:
            deadline.cancel()
        probe = self._probes.pop(pid, None)
        if probe is not None and also_probe:
            probe.cancel()

    def label(self, process: Process) -> str:
        """How messages name a process."""
        return f"{self.name}.{process.wid} (pid {process.pid})"


def describe_exit(exit_code: int) -> str:
    """`exited with status 1`, `was ended by SIGKILL`."""
    if exit_code >= 0:
        return f"exited with status {exit_code}"
    try:
        return f"was ended by {signal.Signals(-exit_code).name}"
    except ValueError:
        return f"was ended by signal {-exit_code}"
