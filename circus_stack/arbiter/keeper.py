"""The hands of one watcher: has it decide after each thing that happens, and has its decisions carried out.

Nothing here waits but for a condition: what takes its time are the operations. A keeper knows its watcher and its
processes, and nobody above. Its parts do the work: `spawns`, `ends`, `signalling`, `serving`, `ages`, `memory`,
`demand`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from circus_stack.arbiter.ages import Ages
from circus_stack.arbiter.charge import Charge
from circus_stack.arbiter.consent import Consent
from circus_stack.arbiter.ends import Ends
from circus_stack.arbiter.failures import Failures
from circus_stack.arbiter.hangs import Hangs
from circus_stack.arbiter.health import Health
from circus_stack.arbiter.hooks import OF_A_PROCESS
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.memory_watch import MemoryWatch
from circus_stack.arbiter.nursery import Nursery
from circus_stack.arbiter.on_demand import Demand
from circus_stack.arbiter.process import Process
from circus_stack.arbiter.scale_order import ScaleOrder, scale_events
from circus_stack.arbiter.scheduling import Scheduling
from circus_stack.arbiter.serving import Serving
from circus_stack.arbiter.signalling import Signalling
from circus_stack.arbiter.spawns import Spawns
from circus_stack.arbiter.turns import Turns
from circus_stack.arbiter.watcher import Spawn, Stop, WakeAt
from circus_stack.config.schema import WatcherConfig
from circus_stack.events import (
    Event,
    WatcherStarted,
    WatcherStopped,
    WatcherUpdated,
)
from circus_stack.states import WatcherState, WatcherStep


class Keeper:
    """Keeps one watcher's processes. Operations take `turns`, in the order in which they were asked for."""

    def __init__(self, config: WatcherConfig, means: Means) -> None:
        self.charge = charge = Charge(config, means)
        self.watcher = charge.watcher
        self.turns = Turns(charge)
        self.demand = Demand(charge)
        self.scheduling = Scheduling(charge)
        # The start that waits meanwhile, for its dependencies or its hook: nothing is spawned as long as there is one.
        self.holder: object | None = None
        # Which hook has turned the last start down; None while none has.
        self.refusal: str | None = None
        # Whether other options are being tried, and the former ones come back where it fails with them.
        self.is_on_trial = False
        self._means = means
        self._is_due = False
        self._wake: asyncio.TimerHandle | None = None
        self._build_parts(charge)

    def _build_parts(self, charge: Charge) -> None:
        self._consent = Consent(charge.hooks, self.converge_soon)
        self.nursery = Nursery(charge, self.converge_soon)
        self._ages = Ages(charge, self._replace_aged)
        self.failures = Failures(charge, on_replacement=self._ages.retry_later, on_end=lambda: self.ends.stop_all())
        self.signalling = Signalling(charge)
        self._memory = MemoryWatch(charge, self._ages, self.signalling.kill_family)
        self.serving = Serving(
            charge,
            stop=lambda pid: self.ends.stop(pid),
            on_failure=self.failures.note,
            on_told=self.converge_soon,
            on_change=self.converge_soon,
            on_wish=self._ages.hasten,
        )
        self.ends = Ends(
            charge, self.signalling, self.serving.watch, self.demand, self.failures.note, self.converge_soon
        )
        self.health = Health(charge, replace=self._ages.hasten, stop=self.ends.stop, on_failure=self.failures.count_in)
        self._hangs = Hangs(charge, stop=self.ends.stop, on_failure=self.failures.count_in)
        self._spawns = Spawns(
            charge,
            self.ends,
            self.serving.watch,
            self._ages,
            next_slots=self._next_slots,
            nursery=self.nursery,
            on_failure=self.failures.note,
            on_refused=self._spawn_refused,
            on_change=self.converge_soon,
        )

    @property
    def name(self) -> str:
        return self.charge.name

    @property
    def config(self) -> WatcherConfig:
        return self.charge.config

    def close(self) -> None:
        """Spawn nothing from here on and let no operation begin or go on but a stop: the end of this watcher."""
        self.demand.forget()
        self.scheduling.forget()
        self.turns.close()

    # -- towards the wanted state -----------------------------------------------------------------------------

    def change_config(self, config: WatcherConfig, order: ScaleOrder | None = None) -> None:
        """What is decided and spawned from here on follows another configuration; `order` says why its number is
        another one."""
        old = self.config
        self._means.control_groups.follow(old, config, (*self.watcher.processes, *self.nursery.pids()))
        self.watcher.config = config
        for event in scale_events(old, config, self.epoch(), order):
            self.publish(event)
        self.scheduling.changed()
        self._means.pulse.beat()

    def adopt(self, config: WatcherConfig) -> None:
        """The same, told where it is another one indeed: somebody has changed the watcher's options."""
        is_another = config != self.config
        self.change_config(config)
        if is_another:
            self.publish(WatcherUpdated(watcher=self.name, time=self.epoch()))

    @property
    def is_held(self) -> bool:
        """Whether nothing may be started or taken away now."""
        return self.turns.is_closed or self.holder is not None or self.failures.of_reload is not None

    def converge(self) -> None:
        """Do what the watcher decides: spawn what is missing, stop what is too many."""
        if self.is_held:
            self._means.pulse.beat()
            return
        self._settle_lanes(self.watcher.wanted)
        actions = self.watcher.converge(self._means.clock(), self._spawns.most())
        spawns = [action.wid for action in actions if isinstance(action, Spawn)]
        if spawns:
            self._spawns.begin(spawns)
        for action in actions:
            match action:
                case Stop(pid):
                    self.ends.stop(pid)
                case WakeAt(at):
                    self._wake_at(at)
        if spawns:
            # There may be more to spawn, and a slot that failed has a delay now; exits and commands come first.
            self.converge_soon()
        self._settle()

    def _settle_lanes(self, wanted: int) -> None:
        if self.config.use_sockets:
            lanes = {process.lane for process in self.watcher.processes.values()}
            self._means.settle_lanes(self.name, wanted, lanes)

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

    def _next_slots(self, most: int) -> list[int]:
        """The slots that are to be filled now, by so many at most; none where, by now, none is."""
        if self.is_held:
            return []
        actions = self.watcher.converge(self._means.clock(), most if self._spawns.room() else 0)
        return [action.wid for action in actions if isinstance(action, Spawn)]

    def is_complete(self) -> bool:
        """Whether all processes of the present generation serve, and no hook has still to agree to one of them."""
        return self.watcher.has_all_ready() and not self._spawns.is_between_hooks

    def _settle(self) -> None:
        watcher = self.watcher
        if self.is_complete():
            if watcher.state is WatcherState.STARTING and self.holder is None:
                self._come_up()
            if watcher.superseded is not None and watcher.is_active:
                aged, watcher.superseded = watcher.superseded, None
                self.ends.stop(aged)
        if watcher.is_up and watcher.has_ended():
            self._end_by_itself()
        self.nursery.settle()
        self._ages.schedule()
        self._memory.schedule()
        self.health.settle()
        self._hangs.schedule()
        self._means.pulse.beat()

    # -- coming up --------------------------------------------------------------------------------------------

    def begin_start(self, *, forgive: bool) -> None:
        """Go from down to starting; without `forgive` a slot that has failed keeps its delay."""
        self.demand.disarm()
        self.refusal = None
        self._consent.begin()
        self.watcher.begin()
        if self.config.runs_once:
            self.charge.runs.begin()
        if forgive:
            self.watcher.forgive()
        self.watcher.step(WatcherStep.START)

    async def wait_admitted(self) -> None:
        """Wait for the answer of before_start. Where it refuses, the watcher is down again, and that is no event.

        Raises CommandError if overtaken.
        """
        await self.turns.wait_until(lambda: self._consent.ask("before_start") is not None)
        if not self._consent.ask("before_start") and self.watcher.state is WatcherState.STARTING:
            self.refusal = "before_start"
            self.watcher.step(WatcherStep.STOP)
            self.watcher.step(WatcherStep.COME_DOWN)
            self._means.pulse.beat()

    def _come_up(self) -> None:
        is_agreed = self._consent.ask("after_start")
        if is_agreed:
            self.watcher.step(WatcherStep.COME_UP)
            self.publish(WatcherStarted(watcher=self.name, time=self.epoch()))
        elif is_agreed is not None:
            self._refuse("after_start")

    def _spawn_refused(self, hook: str) -> None:
        if self.watcher.retiring is None:
            self._refuse(hook)
        else:
            self.failures.refuse_reload(f"its hook {hook} refused a new process")

    def _refuse(self, hook: str) -> None:
        """A hook said no: the watcher stops, as it does in Circus."""
        if self.watcher.is_up:
            self.refusal = hook
            self.watcher.step(WatcherStep.STOP)
            self.charge.hooks.background(self._bring_down_in_turn())
            self._means.pulse.beat()

    # -- coming down ------------------------------------------------------------------------------------------

    async def bring_down(self) -> frozenset[int]:
        """Go to stopped, also from a way down that somebody else began; the pids that were ended.

        Returns when nothing is left. The caller has the watcher's turn.
        """
        if self.watcher.state is WatcherState.STOPPED:
            return frozenset()
        if self.watcher.state is not WatcherState.STOPPING:
            self.watcher.step(WatcherStep.STOP)
        self._ages.cancel()
        self._memory.cancel()
        self.health.cancel()
        self.nursery.settle()
        self._hangs.cancel()
        await self.charge.hooks.ask("before_stop")
        self.charge.runs.interrupt()
        stopped = self.ends.stop_all()
        await self.turns.wait_gone(stopped)
        await self._means.pulse.wait_until(lambda: self.nursery.is_empty)
        await self._means.pulse.wait_until(lambda: not self.ends.orphans.is_busy)
        self.charge.hooks.hurry(OF_A_PROCESS)
        async with self.charge.hooks.lane:
            # after_reap of the last process has its say before the stop is told, as in Circus.
            self.come_down()
            await self.charge.hooks.call("after_stop")
        return stopped

    async def _bring_down_in_turn(self) -> None:
        async with self.turns.take_quietly():
            if self.watcher.state is WatcherState.STOPPING:
                await self.bring_down()
                # Whoever waits at the socket still does: a hook that refused would be asked again and again.
                if self.refusal is None:
                    self.demand.rearm()
                self.scheduling.ended()

    def come_down(self) -> None:
        """The last process is gone."""
        self.watcher.step(WatcherStep.COME_DOWN)
        # Those of a watcher that was taken out of the configuration are nobody's from here on; and who starts on demand
        # waits at the first socket of each address alone.
        has_no_lane = self.turns.is_closed or self.config.on_demand
        self._settle_lanes(0 if has_no_lane else self.watcher.wanted)
        self.publish(WatcherStopped(watcher=self.name, time=self.epoch()))
        self._means.pulse.beat()

    def _end_by_itself(self) -> None:
        """The processes have ended for good, unasked."""
        self.charge.runs.end()
        self.watcher.step(WatcherStep.STOP)
        if self.charge.hooks.has("before_stop", "after_stop"):
            self.charge.hooks.background(self._bring_down_in_turn())
        else:
            self.come_down()
            self.demand.rearm()
            self.scheduling.ended()

    def release_all(self) -> frozenset[int]:
        """Let the processes live on as nobody's, and have no more to do with them; their pids."""
        self.close()
        self.charge.hooks.close()
        self._ages.cancel()
        self._memory.cancel()
        self.health.cancel()
        self.nursery.dismiss_all()
        self._hangs.cancel()
        released = self.ends.release_all()
        self._means.pulse.beat()
        return released

    # -- what happens to processes ----------------------------------------------------------------------------

    def _replace_aged(self, process: Process) -> None:
        """A process is to be replaced: its successor serves first, where two may be."""
        if self.config.respawn and not self.config.cannot_overlap:
            self.watcher.superseded = process.pid
        else:
            self.ends.stop(process.pid)
        self.converge()

    async def extend_stats(self, pid: int, stats: Mapping[str, Any]) -> Mapping[str, Any]:
        """The figures of one process, with what the extended_stats hook adds to them."""
        return await self.charge.hooks.extend(pid, stats)

    # -- what the arbiter asks of it --------------------------------------------------------------------------

    @property
    def interrupts(self) -> int:
        """Grows whenever an operation overtakes those that were asked for before it."""
        return self.turns.interrupts

    def retry_at(self) -> float | None:
        """When a slot that waits after failures is tried again, in seconds since the epoch; None where none waits."""
        now = self._means.clock()
        at = self.watcher.retry_at(now)
        return None if at is None else self.epoch() + at - now

    def check_lingering(self, *, thoroughly: bool = False) -> None:
        """A stranger was reaped: perhaps the last of a group that outlived its leader."""
        self.ends.check_lingering(thoroughly=thoroughly)

    def kill_all(self) -> None:
        """SIGKILL to every process and its group, now."""
        self.nursery.kill_all()
        self.ends.kill_all()

    @property
    def ages(self) -> Ages:
        """When its processes are replaced because of their age."""
        return self._ages

    @property
    def is_between_hooks(self) -> bool:
        """Whether a process is being spawned, and one of its hooks has its say."""
        return self._spawns.is_between_hooks

    # -- words ------------------------------------------------------------------------------------------------

    def publish(self, event: Event) -> None:
        """Tell what happened to this watcher."""
        self.charge.publish(event)

    def epoch(self) -> float:
        """The time of day, for an event."""
        return self.charge.epoch()
