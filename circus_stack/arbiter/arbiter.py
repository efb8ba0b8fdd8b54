"""The parent of the stack: all watchers and sockets, and the operations that clients and signals ask for.

Everything happens in one asyncio loop. An operation is queued per watcher; each comes as a task that the caller may
await or leave alone. Names are looked up in any case, as Circus does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from circus_stack.arbiter import operations
from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.order import dependencies, predecessors, successors
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.process import ProcessView, view_of
from circus_stack.arbiter.reconfiguration import Reconfiguration
from circus_stack.arbiter.sockets import ListeningSocket, SocketView
from circus_stack.config.diff import diff
from circus_stack.config.precedence import closure
from circus_stack.config.schema import StackConfig, WatcherConfig
from circus_stack.errors import CircusStackError, CommandError, Errno, UnknownWatcherError
from circus_stack.events import ConfigApplied, WatcherAdded, WatcherRemoved
from circus_stack.states import WatcherState
from circus_stack.system.descent import session_of

log = logging.getLogger(__name__)


class Arbiter:
    """Runs the watchers of one stack on sockets that are bound already."""

    def __init__(self, stack: StackConfig, sockets: dict[str, ListeningSocket], means: Means) -> None:
        self.stack = stack
        self._sockets = sockets
        self._means = means
        self._keepers = {config.name: Keeper(config, means) for config in stack.watchers}
        # Keepers of watchers that the configuration no longer has, until the last of their processes is gone.
        self._leaving: set[Keeper] = set()
        self._quit = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        # One change of the configuration at a time: each is planned against what the one before left.
        self._reconfiguring = asyncio.Lock()

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

    def wanted(self, name: str) -> int:
        """How many processes a watcher aims at."""
        return self._keeper(name).watcher.wanted

    def sockets(self) -> tuple[SocketView, ...]:
        """All listening sockets."""
        return tuple(each.view() for each in self._sockets.values())

    # -- operations -------------------------------------------------------------------------------------------

    def start(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        """Start watchers, and what they depend on, in order. All that are to start by themselves if none is named."""
        if names is None:
            chosen = [name for name, keeper in self._keepers.items() if keeper.config.autostart]
        else:
            chosen = [self._keeper(name).name for name in names]
        return self._task(self._start(self._with_dependencies(chosen)))

    async def _start(self, names: Sequence[str]) -> Outcome:
        before = predecessors(self._configs())
        # A predecessor's task runs first, so that its state already shows that it starts.
        ordered = sorted(names, key=lambda name: len(closure(name, before)))
        return await _gather(operations.start(self._keepers[name], self._gate(name, before[name])) for name in ordered)

    def _gate(self, name: str, before: frozenset[str]) -> Callable[[], bool]:
        def may_start() -> bool:
            # Looked up each time: a reload may change what it depends on while it waits.
            needed = dependencies(self._configs()).get(name, frozenset())
            states = self.statuses()
            return all(states[each] is WatcherState.ACTIVE for each in needed) and all(
                states.get(each) is not WatcherState.STARTING for each in before - needed
            )

        return may_start

    def stop(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        """Stop watchers, in the reverse of the order in which they start."""
        return self._task(self._stop(self._chosen(names)))

    async def _stop(self, names: Sequence[str]) -> Outcome:
        after = successors(predecessors(self._configs()))
        return await _gather(self._stop_one(name, after[name] & frozenset(names)) for name in names)

    async def _stop_one(self, name: str, first: frozenset[str]) -> Outcome:
        keeper = self._keepers[name]
        await self._means.pulse.wait_until(
            lambda: all(self.statuses().get(each, WatcherState.STOPPED) is WatcherState.STOPPED for each in first)
        )
        return await operations.stop(keeper)

    def restart(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        """Stop, then start."""
        chosen = self._chosen(names)
        return self._task(self._restart(chosen))

    async def _restart(self, names: Sequence[str]) -> Outcome:
        if len(names) == 1:
            return await operations.restart(self._keepers[names[0]])
        # A stop overtakes once: whoever has been overtaken more often was stopped by somebody else meanwhile.
        asked = {name: self._keepers[name].interrupts + 1 for name in names}
        stopped = await self._stop(names)
        self._refuse_at_end()
        left = [name for name in names if name in self._keepers and self._keepers[name].interrupts == asked[name]]
        return stopped + await self._start(left)

    def reload(self, names: Sequence[str] | None = None) -> asyncio.Task[Outcome]:
        """Let new processes take over from old ones. Unnamed: all that can without an interruption of service.

        Ends in ReloadError where new processes didn't become ready; the old ones serve on then.
        """
        if names is None:
            chosen = [name for name, each in self._keepers.items() if not each.config.cannot_overlap]
        else:
            chosen = [self._keeper(name).name for name in names]
        return self._task(_gather(operations.reload(self._keepers[name]) for name in chosen))

    def set_wanted(self, name: str, count: int) -> asyncio.Task[Outcome]:
        """Aim at another number of processes; CommandError at once for a singleton that would become two."""
        keeper = self._keeper(name)
        if keeper.config.singleton and count > 1:
            raise CommandError(f"{keeper.name} is a singleton: it has one process at most")
        return self._task(operations.set_wanted(keeper, max(0, count)))

    def kill(
        self, name: str, pid: int | None = None, signum: int | None = None, graceful_timeout: float | None = None
    ) -> asyncio.Task[Outcome]:
        """End one process or all of them; the watcher replaces what it is to run."""
        return self._task(operations.kill(self._keeper(name), pid, signum, graceful_timeout))

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
            keeper.signal_descendant(pid, child_pid, signum)
            return
        for each in pids if pid is None else [pid]:
            keeper.signal_family(each, signum, children=children, recursive=recursive)

    def apply(self, stack: StackConfig, *, roll: bool) -> asyncio.Task[Outcome]:
        """Go over to another configuration, all or nothing; with `roll`, what can roll does so also when unchanged."""
        return self._task(self._apply(stack, roll))

    async def _apply(self, stack: StackConfig, roll: bool) -> Outcome:
        async with self._reconfiguring:
            self._refuse_at_end()
            lines = diff(self.stack, stack).lines()
            change = Reconfiguration(self._keepers, self._sockets, self._means, stack, roll=roll)
            await change.prepare(self._start)
            removed = change.take_over()
            self.stack = stack
            self._means.publish(ConfigApplied(watcher="circus", time=self._means.epoch(), changes=lines))
            self._leaving.update(removed)
            left = [self._background(self._leave(keeper)) for keeper in removed]
            outcome = await change.wait_settled()
        return outcome + await _gather(left)

    async def _leave(self, keeper: Keeper) -> Outcome:
        """Stop a watcher that is no longer ours to show."""
        outcome = await operations.stop(keeper)
        self._leaving.discard(keeper)
        if keeper.name not in self._keepers:
            self._means.publish(WatcherRemoved(watcher=keeper.name, time=self._means.epoch()))
        return outcome

    # -- messages from the system -----------------------------------------------------------------------------

    def notified(self, pid: int, fields: Mapping[str, str]) -> None:
        """An sd_notify message; its sender may also be a descendant of a process of ours."""
        if fields.get("READY") != "1":
            return
        for candidate in (pid, session_of(pid)):
            for keeper in self._all():
                if candidate in keeper.watcher.processes:
                    keeper.became_ready(candidate)
                    return

    def stranger_reaped(self, _pid: int) -> None:
        """A descendant that was not ours to watch is gone: perhaps the last of a group that outlived its leader."""
        for keeper in self._all():
            keeper.check_lingering()

    # -- from start to end ------------------------------------------------------------------------------------

    def request_quit(self) -> None:
        """Let `run` end; overtakes everything, and may be asked for any number of times."""
        self._quit.set()

    @property
    def is_quitting(self) -> bool:
        return self._quit.is_set()

    async def run(self, on_up: Callable[[], None] = lambda: None) -> None:
        """Start what starts by itself, serve until a quit is requested, stop everything; nothing of it is left then.

        `on_up` is called once, when all that starts by itself has come up or was given up.
        """
        for name in self._keepers:
            self._means.publish(WatcherAdded(watcher=name, time=self._means.epoch()))
        self.start().add_done_callback(lambda _: None if self.is_quitting else on_up())
        await self._quit.wait()
        await self._shut_down()

    def sweep(self) -> None:
        """Look at everything again, in case that a wake-up was ever missed."""
        self._means.reaper.reap_strangers()
        for keeper in self._all():
            keeper.check_lingering()
            keeper.converge()

    async def _shut_down(self) -> None:
        self._close_keepers()
        # A change of the configuration that was under way takes itself back now; until then watchers may come and go.
        async with self._reconfiguring:
            self._close_keepers()
            await self._stop(self.names())
            await _gather(operations.stop(keeper) for keeper in tuple(self._leaving))
        for name in self._keepers:
            self._means.publish(WatcherRemoved(watcher=name, time=self._means.epoch()))

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
        return (*self._keepers.values(), *self._leaving)

    def _refuse_at_end(self) -> None:
        if self.is_quitting:
            raise CommandError("the arbiter is about to quit", Errno.COMMAND_ERROR)

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

    def _configs(self) -> list[WatcherConfig]:
        return [keeper.config for keeper in self._keepers.values()]

    def _with_dependencies(self, names: Sequence[str]) -> list[str]:
        needed = dependencies(self._configs())
        wanted = set(names).union(*(closure(name, needed) for name in names))
        return [name for name in self._keepers if name in wanted]

    def _task(self, operation: Coroutine[Any, Any, Outcome]) -> asyncio.Task[Outcome]:
        try:
            self._refuse_at_end()
        except CommandError:
            operation.close()
            raise
        return self._background(operation)

    def _background(self, operation: Coroutine[Any, Any, Outcome]) -> asyncio.Task[Outcome]:
        task = self._means.loop.create_task(operation)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Outcome]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, CircusStackError):
            # Events have told what happened, and whoever asked for the operation may have awaited it.
            log.debug("%s", error)
        elif error is not None:
            log.error("an operation failed", exc_info=error)


async def _gather(jobs: Iterable[Awaitable[Outcome]]) -> Outcome:
    """Let all run to their end, then give the sum, or raise the first error."""
    outcome = Outcome()
    results = await asyncio.gather(*jobs, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
        outcome += result
    return outcome
