"""The parent of the stack: all watchers and sockets, and the operations that clients and signals ask for.

Everything happens in one asyncio loop. An operation is queued per watcher; each comes as a task that the caller may
await or leave alone. Names are looked up in any case, as Circus does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from msgspec import structs

from circus_stack.arbiter import operations
from circus_stack.arbiter.adoption.bookkeeping import Books
from circus_stack.arbiter.changes import Changes
from circus_stack.arbiter.condition import Condition
from circus_stack.arbiter.handover.keeping import keeper_state
from circus_stack.arbiter.handover.quiet import under_way
from circus_stack.arbiter.handover.record import ArbiterRecord
from circus_stack.arbiter.handover.restoring import jobs_state, restore_keepers
from circus_stack.arbiter.hook_views import ArbiterView
from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.oversight import Oversight
from circus_stack.arbiter.pace import Pace
from circus_stack.arbiter.process import ProcessView, view_of
from circus_stack.arbiter.runs import Run
from circus_stack.arbiter.scale_order import ScaleOrder
from circus_stack.arbiter.scaling import scale
from circus_stack.arbiter.scheduling import ScheduleView
from circus_stack.arbiter.sequence import Sequencer, gather
from circus_stack.arbiter.sockets import ListeningSocket, SocketView
from circus_stack.arbiter.undertakings import Undertakings
from circus_stack.arbiter.zygote import ZygoteView
from circus_stack.config.schema import StackConfig, WatcherConfig
from circus_stack.errors import CommandError, Errno, UnknownWatcherError
from circus_stack.events import WatcherAdded
from circus_stack.literals import MAX_PROCESSES
from circus_stack.states import WatcherState
from circus_stack.system.descent import session_of


class Arbiter:
    """Runs the watchers of one stack on sockets that are bound already. With `resumed` it goes on where another one
    was, whose children and descriptors it has; `stack` is what the file said then."""

    def __init__(
        self,
        stack: StackConfig,
        sockets: dict[str, ListeningSocket],
        means: Means,
        resumed: ArbiterRecord | None = None,
    ) -> None:
        self._sockets = sockets
        self._keepers: dict[str, Keeper] = {}
        self.oversight = Oversight(
            self._keepers,
            means.loop,
            means.publish,
            means.epoch,
            is_available=lambda name: self._sequencer.is_available(name),
            circus=lambda: self.stack.circus,
            settled=self.wait_reconfigured,
            on_collapse=self.request_quit,
        )
        self._means = means = structs.replace(means, publish=self.oversight.publish)
        configs = stack.watchers if resumed is None else [each.config for each in resumed.watchers]
        self._keepers.update((config.name, Keeper(config, means)) for config in configs)
        means.starts.limit = lambda: self.stack.circus.start_concurrency
        means.hooks.arbiter = ArbiterView(
            lambda: [keeper.watcher for keeper in tuple(self._keepers.values())], lambda: self.stack.circus
        )
        self._quit = asyncio.Event()
        self._undertakings = Undertakings(means, self._quit.is_set)
        self.jobs, self._ask = self._undertakings.jobs, self._undertakings.start
        pace = Pace(means.loop, means.pulse, means.clock, lambda: self.stack.circus.warmup_delay)
        self._sequencer = Sequencer(self._keepers, means.pulse, pace)
        self._changes = Changes(stack, self._keepers, sockets, means, self._sequencer, self._undertakings.refuse_at_end)
        self._is_resumed = resumed is not None
        if resumed is not None:
            self.jobs.restore(resumed.jobs.last_id, resumed.jobs.jobs)
            self._changes.released |= set(resumed.released)
            means.control_groups.restore(resumed.control_groups)
            for token in resumed.spared_tokens:
                means.kinship.spare(token)
            restore_keepers(resumed.watchers, self._keepers, self._sequencer.may_start)

    # -- questions, answered at once --------------------------------------------------------------------------

    def names(self) -> tuple[str, ...]:
        """All watchers, in the order of their declaration."""
        return tuple(self._keepers)

    def status(self, name: str) -> WatcherState:
        """Raises UnknownWatcherError, as all that take a name."""
        return self._keeper(name).watcher.state

    def statuses(self) -> dict[str, WatcherState]:
        """The state of each watcher."""
        return {name: keeper.watcher.state for name, keeper in self._keepers.items()}

    def config(self, name: str) -> WatcherConfig:
        """The configuration that a watcher runs with now."""
        return self._keeper(name).config

    def processes(self, name: str) -> tuple[ProcessView, ...]:
        """The living processes of a watcher by pid, those included that are on their way out."""
        processes = self._keeper(name).watcher.processes.values()
        return tuple(view_of(each) for each in sorted(processes, key=lambda each: each.pid) if not each.is_lingering)

    def zygotes(self, name: str) -> tuple[ZygoteView, ...]:
        """What the processes of a watcher with preload are forked from; during a reload there are two."""
        return self._keeper(name).nursery.views()

    def wanted(self, name: str) -> int:
        """How many processes a watcher aims at."""
        return self._keeper(name).watcher.wanted

    def condition(self, name: str) -> Condition:
        """What a watcher's state alone doesn't tell."""
        return self.oversight.condition(self._keeper(name))

    def is_armed(self, name: str) -> bool:
        """Whether a stopped watcher waits for activity on its sockets, and starts then."""
        return self._keeper(name).demand.is_armed

    def last_run(self, name: str) -> Run | None:
        """The last run of a watcher whose processes run to their end; None where there was none."""
        return self._keeper(name).charge.runs.last

    def schedule(self, name: str) -> ScheduleView | None:
        """When a watcher is due; None for one without a schedule."""
        return self._keeper(name).scheduling.view()

    @property
    def released(self) -> frozenset[int]:
        """The processes that are nobody's since their watcher was removed without a stop."""
        return frozenset(self._changes.released)

    def spared(self) -> frozenset[int]:
        """What processes have left behind that may outlive the arbiter: their `kill_mode` says so."""
        return self._means.kinship.spared()

    def sockets(self) -> tuple[SocketView, ...]:
        """All listening sockets."""
        return tuple(each.view() for each in self._sockets.values())

    # -- operations -------------------------------------------------------------------------------------------

    def start(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        """Start watchers, and what they depend on, in order. All that are to start by themselves if none is named."""
        if names is None:
            keepers = self._keepers.items()
            chosen = [name for name, each in keepers if each.config.autostart and not each.charge.runs.is_done]
        else:
            chosen = [self._keeper(name).name for name in names]
        at_once = chosen if names is not None else ()
        work = self._sequencer.start(self._sequencer.with_dependencies(chosen), at_once)
        return self._ask(work, "start", names)

    def stop(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        """Stop watchers, in the reverse of the order in which they start."""
        return self._ask(self._sequencer.stop(self._chosen(names)), "stop", names)

    def restart(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        """Stop, then start. Unnamed: all but what is stopped and does not start by itself, as Circus has it."""
        chosen = self._chosen(names) if names is not None else self._restartable()
        return self._ask(self._sequencer.restart(chosen, self._undertakings.refuse_at_end), "restart", names)

    def reload(self, names: Sequence[str] | None = None, *, sequential: bool = False) -> asyncio.Task[Outcome]:
        """Let new processes take over from old ones. Unnamed: all that can without an interruption of service.
        `sequential`: one process of a watcher after another, each stopped before its successor starts.

        Ends in ReloadError where new processes didn't become ready; the old ones serve on then.
        """
        if names is None:
            chosen = [name for name, each in self._keepers.items() if not each.config.cannot_overlap]
        else:
            chosen = [self._keeper(name).name for name in names]
        is_named = names is not None
        work = gather(
            operations.reload(self._keepers[name], sequential=sequential, is_named=is_named) for name in chosen
        )
        return self._ask(work, "reload", names)

    def set_wanted(self, name: str, count: int) -> asyncio.Task[Outcome]:
        """Aim at another number of processes; CommandError at once for a singleton that would become two."""
        keeper = self._keeper(name)
        if keeper.config.singleton and count > 1:
            raise CommandError(f"{keeper.name} is a singleton: it has one process at most", Errno.COMMAND_ERROR)
        command = "incr" if count > keeper.watcher.wanted else "decr"
        return self._ask(operations.resize(keeper, lambda _wanted: max(0, count)), command, (keeper.name,))

    def change_wanted(self, name: str, difference: int, *, least: int = 0) -> asyncio.Task[Outcome]:
        """Aim at so many processes more or fewer than are wanted by then, `least` at least and as many as may be."""
        keeper = self._keeper(name)
        command = "incr" if difference > 0 else "decr"
        return self._ask(
            operations.resize(keeper, lambda wanted: min(max(least, wanted + difference), MAX_PROCESSES)),
            command,
            (keeper.name,),
        )

    def scale(self, name: str, order: ScaleOrder) -> asyncio.Task[Outcome]:
        """Aim at a number of processes, for a reason that is told."""
        keeper = self._keeper(name)
        return self._ask(scale(keeper, order), "scale", (keeper.name,))

    def kill(
        self, name: str, pid: int | None = None, signum: int | None = None, graceful_timeout: float | None = None
    ) -> asyncio.Task[Outcome]:
        """End one process or all of them; the watcher replaces what it is to run."""
        keeper = self._keeper(name)
        return self._ask(operations.kill(keeper, pid, signum, graceful_timeout), "kill", (keeper.name,))

    def send_signal(
        self,
        name: str,
        pid: int | None,
        signum: int,
        *,
        children: bool = False,
        recursive: bool = False,
        child_pid: int | None = None,
    ) -> None:
        """Send a signal now. With `children` to a process's children in its place; `recursive`: to all descendants
        and the process; `child_pid`: to that descendant of `pid`. CommandError for a pid that isn't the watcher's."""
        keeper = self._keeper(name)
        pids = [each.pid for each in keeper.watcher.processes.values() if not each.is_lingering]
        if pid is not None and pid not in pids:
            raise CommandError(f"process {pid} not found in {keeper.name}")
        if child_pid is not None:
            keeper.signalling.send_descendant(pid, child_pid, signum)
            return
        for each in pids if pid is None else [pid]:
            keeper.signalling.send_family(each, signum, children=children, recursive=recursive)

    # -- changes ----------------------------------------------------------------------------------------------

    @property
    def stack(self) -> StackConfig:
        """What the file said when it was read last; what clients changed since stands in the watchers themselves."""
        return self._changes.stack

    def running(self) -> StackConfig:
        """What holds now: the file as it was read last, with all that was changed since."""
        return self._changes.running()

    def declare(self, stack: StackConfig) -> None:
        """The file says this by now, and nothing changes by it: what was changed at run time was saved into it."""
        self._changes.stack = stack

    @property
    def is_reconfiguring(self) -> bool:
        """Whether the whole configuration is changing: no watcher can be added until `wait_reconfigured`."""
        return self._changes.reconfiguring.locked()

    async def wait_reconfigured(self) -> None:
        """Wait for the end of a change of the whole configuration."""
        async with self._changes.reconfiguring:
            pass

    def add_watcher(self, config: WatcherConfig) -> None:
        """Have one more watcher, stopped. Raises CommandError where there is one of that name, in any case."""
        self._undertakings.refuse_at_end()
        self._changes.add(config)

    def remove_watcher(self, name: str, *, stop: bool) -> asyncio.Task[Outcome]:
        """Have a watcher no longer. With `stop` its processes are stopped; without they live on, no longer ours."""
        keeper = self._keeper(name)
        self._undertakings.refuse_at_end()
        self._changes.take_out(keeper)
        return self._ask(self._changes.remove(keeper, stop=stop), "rm", (keeper.name,))

    def set_config(
        self, name: str, config: WatcherConfig, *, seen: WatcherConfig | None = None
    ) -> asyncio.Task[Outcome]:
        """Change a watcher's options, by the strongest change that one of them needs. All or nothing: ends in
        ReloadError where new processes didn't become ready, and the old configuration holds then. `seen` is what
        `config` was made from, where that is not what holds now."""
        keeper = self._keeper(name)
        return self._ask(self._changes.change(keeper, seen or keeper.config, config), "set", (keeper.name,))

    def extend_stats(self, name: str, pid: int, stats: Mapping[str, Any]) -> Awaitable[Mapping[str, Any]]:
        """The figures of a process, with what the watcher's hook `extended_stats` adds."""
        return self._keeper(name).extend_stats(pid, stats)

    def plan(self, stack: StackConfig) -> tuple[str, ...]:
        """What going over to another configuration would change, a line each; and what stays though the file says
        otherwise."""
        return self._changes.plan(stack)

    def apply(self, stack: StackConfig, *, roll: bool) -> asyncio.Task[Outcome]:
        """Go over to another configuration, all or nothing; with `roll`, what can roll does so also when unchanged.
        What was changed at run time stays unless the file changed it, too."""
        work = self._changes.apply(stack, roll=roll, background=self._undertakings.background)
        return self._ask(work, "reloadconfig", None)

    # -- messages from the system -----------------------------------------------------------------------------

    def notified(self, pid: int, fields: Mapping[str, str]) -> None:
        """An sd_notify message; its sender may also be a descendant of a process of ours."""
        for candidate in (pid, session_of(pid)):
            for keeper in self._all():
                if candidate in keeper.watcher.processes:
                    keeper.serving.notified(candidate, fields)
                    return

    def stranger_reaped(self, _pid: int) -> None:
        """A descendant that was not ours to watch is gone: perhaps the last of a group that outlived its leader."""
        for keeper in self._all():
            keeper.check_lingering()

    def books(self) -> Books:
        """Where a ledger finds what is."""
        changes = self._changes
        return Books(
            self._keepers.values,
            self._all,
            self._sockets,
            declared=lambda: changes.stack,
            released=lambda: changes.released,
            spared_tokens=lambda: self._means.kinship.spared_tokens,
            control_groups=self._means.control_groups.state,
            jobs=lambda: self.jobs.unfinished,
            is_quitting=self._quit.is_set,
        )

    # -- handing over -----------------------------------------------------------------------------------------

    def state(self) -> ArbiterRecord:
        """What another one can go on from, as long as nothing is `under_way`."""
        return ArbiterRecord(
            declared=self.stack,
            watchers=tuple(map(keeper_state, self._keepers.values())),
            sockets=tuple(each.state() for each in self._sockets.values()),
            jobs=jobs_state(self.jobs, self._means.epoch()),
            released=tuple(self._changes.released),
            spared_tokens=tuple(self._means.kinship.spared_tokens),
            control_groups=self._means.control_groups.state(),
        )

    def under_way(self) -> tuple[str, ...]:
        """What is being changed now, in words; empty where every watcher is at rest."""
        return (*under_way(self._keepers.values()), *(("a change of the configuration",) * self._changes.is_changing))

    # -- from start to end ------------------------------------------------------------------------------------

    def request_quit(self) -> None:
        """Let `run` end; overtakes everything, and may be asked for any number of times."""
        self._quit.set()

    @property
    def is_quitting(self) -> bool:
        return self._quit.is_set()

    async def run(self, on_up: Callable[[], None] = lambda: None, on_quit: Callable[[], None] = lambda: None) -> None:
        """Start what starts by itself, serve until a quit is requested, stop everything; nothing of it is left then.

        `on_up` is called once, when all that starts by itself has come up or was given up; `on_quit` before anything
        is stopped.
        """
        if self._is_resumed:
            # What has ended meanwhile, and what was about to be spawned.
            self.sweep()
        else:
            for name in self._keepers:
                self._means.publish(WatcherAdded(watcher=name, time=self._means.epoch()))
            self.start().add_done_callback(lambda _: None if self.is_quitting else on_up())
        await self._quit.wait()
        on_quit()
        await self._shut_down()

    def sweep(self) -> None:
        """Look at everything again, in case that a wake-up was ever missed."""
        self._means.reaper.reap_strangers()
        for keeper in self._all():
            keeper.check_lingering(thoroughly=True)
            keeper.converge()

    async def _shut_down(self) -> None:
        self._close_keepers()
        # A change of the configuration that was under way takes itself back now; until then watchers may come and go.
        async with self._changes.reconfiguring:
            self._close_keepers()
            await self._sequencer.stop(self.names())
            await gather(operations.stop(keeper) for keeper in tuple(self._changes.leaving))

    def _close_keepers(self) -> None:
        for keeper in self._all():
            keeper.close()

    def kill_everything(self) -> None:
        """SIGKILL to each process group of ours without a further question; nothing is started in its place."""
        self._close_keepers()
        for keeper in self._all():
            keeper.kill_all()

    # -- inside -----------------------------------------------------------------------------------------------

    def _all(self) -> tuple[Keeper, ...]:
        return (*self._keepers.values(), *self._changes.leaving)

    def _keeper(self, name: str) -> Keeper:
        keeper = self._keepers.get(name)
        if keeper is not None:
            return keeper
        for each, keeper in self._keepers.items():
            if each.lower() == name.lower():
                return keeper
        raise UnknownWatcherError(name)

    def _chosen(self, names: Sequence[str] | None) -> list[str]:
        return list(self._keepers) if names is None else [self._keeper(name).name for name in names]

    def _restartable(self) -> list[str]:
        keepers = self._keepers.items()
        return [
            name for name, each in keepers if each.config.autostart or each.watcher.state is not WatcherState.STOPPED
        ]
