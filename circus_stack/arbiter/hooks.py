"""The hooks of one watcher: called one after the other, in threads, each with its time. Nobody else waits for them.

A sequence that belongs together (before_signal, the signal, after_signal) holds the `lane`; so the order is Circus's,
and a hook that was written for Circus never runs twice at once. A watcher without hooks never comes here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Set
from functools import partial
from typing import Any

from circus_stack.arbiter.hook_loading import check_hooks, load_hook
from circus_stack.arbiter.hook_threads import LeftBehindError, ThreadedCall, Verdict
from circus_stack.arbiter.hook_views import ArbiterView, WatcherView
from circus_stack.arbiter.watcher import Watcher
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import HookConfig
from circus_stack.errors import Problem
from circus_stack.events import Event, HookFailed, HookSucceeded
from circus_stack.system.reaper import Reaper

log = logging.getLogger(__name__)

# What is waited for a hook whose answer is of no use any more.
_OVERTAKEN_S = 1.0
# What these say is moot once the watcher is to stop, ...
OF_A_START = frozenset({"before_start", "after_start", "before_spawn", "after_spawn"})
# ... and what these say when the last process is gone.
OF_A_PROCESS = frozenset({"before_signal", "after_signal", "before_reap"})
# Circus always ignores the failures of these: what goes wrong in them must not keep a process from its end.
_IGNORED = frozenset({"before_signal", "after_signal", "before_stop", "after_stop", "extended_stats"})


class HookHost:
    """What the hooks of all watchers of one arbiter share: their view of it, and the count of threads left behind."""

    def __init__(self) -> None:
        # The arbiter itself says what there is to see; without one (in a test of one keeper) there is nothing.
        self.arbiter = ArbiterView(lambda: (), lambda: None)
        self._left: list[ThreadedCall] = []

    @property
    def left_behind(self) -> int:
        """How many threads are in a hook that nobody waits for any more."""
        self._left = [each for each in self._left if each.is_running]
        return len(self._left)

    def leave(self, call: ThreadedCall) -> int:
        """Count a thread as left behind; how many there are now."""
        self._left.append(call)
        return self.left_behind


class Hooks:
    """Calls them and publishes what became of each. To be used in the loop only."""

    def __init__(
        self,
        watcher: Watcher,
        host: HookHost,
        loop: asyncio.AbstractEventLoop,
        reaper: Reaper,
        publish: Callable[[Event], None],
        epoch: Callable[[], float],
    ) -> None:
        self.lane = asyncio.Lock()
        # Whoever asks for figures neither waits for a start nor holds one up.
        self._figures = asyncio.Lock()
        self._watcher = watcher
        self._host = host
        self._loop = loop
        self._reaper = reaper
        self._publish = publish
        self._epoch = epoch
        self._running: set[ThreadedCall] = set()
        self._stuck: dict[str, ThreadedCall] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    def has(self, *names: str) -> bool:
        """Whether the watcher has one of these hooks."""
        hooks = self._watcher.config.hooks
        return bool(hooks) and any(name in hooks for name in names)

    @property
    def under_way(self) -> str:
        """What is under way: the names of hooks that run, or that there is a sequence with hooks in it; empty where
        nothing is. One that was left behind is not."""
        names = ", ".join(sorted({call.name for call in self._running}))
        return f"hook {names}" if names else "what its hooks belong to" if self._tasks else ""

    async def ask(self, name: str) -> bool:
        """Call a hook of the whole watcher when its turn comes; whether it agrees. True where there is none."""
        if not self.has(name):
            return True
        async with self.lane:
            return await self.call(name)

    async def call(self, name: str, **details: object) -> bool:
        """Call a hook now; whether it agrees: True where there is none, or where its failure is to be ignored.

        Whoever calls holds the lane, or doesn't mind that another hook runs meanwhile. Ends in `hook_timeout` seconds.
        """
        hook = self._watcher.config.hooks.get(name)
        if hook is None or self._is_closed:
            return True
        stuck = self._stuck.get(name)
        if stuck is not None and stuck.is_running:
            # One that hangs is not called into once more: it would only hold another thread.
            return self._failed(name, hook, LeftBehindError("its last call has not returned yet"))
        verdict = await self._threaded(name, hook, details)
        if verdict.error is not None:
            return self._failed(name, hook, verdict.error)
        self._publish(HookSucceeded(watcher=self._watcher.config.name, time=self._epoch(), name=name))
        return verdict.is_true

    async def _threaded(self, name: str, hook: HookConfig, details: Mapping[str, object]) -> Verdict:
        config = self._watcher.config
        call = partial(_call, hook.callable, config.env, WatcherView(self._watcher), self._host.arbiter, name, details)
        try:
            running = ThreadedCall(self._loop, name, call, config.hook_timeout)
        except RuntimeError as error:
            # No more threads: as bad as a hook that raises.
            return Verdict(error=error)
        self._reaper.share()
        self._running.add(running)
        try:
            return await running.verdict
        finally:
            self._reaper.unshare()
            self._running.discard(running)
            if running.is_running and _was_left(running):
                self._stuck[name] = running
                count = self._host.leave(running)
                log.warning("%s: its hook %s hangs and is left behind, %d such threads now", config.name, name, count)

    def _failed(self, name: str, hook: HookConfig, error: BaseException) -> bool:
        config = self._watcher.config
        trace = None if isinstance(error, LeftBehindError) else error
        log.error("%s: its hook %s (%s) failed: %s", config.name, name, hook.callable, error, exc_info=trace)
        text = str(error) or repr(error)
        self._publish(HookFailed(watcher=config.name, time=self._epoch(), name=name, error=text))
        return hook.ignore_failure or name in _IGNORED

    async def extend(self, pid: int, stats: Mapping[str, Any]) -> Mapping[str, Any]:
        """The figures of one process, with what extended_stats adds to them."""
        if not self.has("extended_stats"):
            return stats
        extended = dict(stats)
        async with self._figures:
            await self.call("extended_stats", pid=pid, stats=extended)
        # A copy: a hook that was left behind may write into its own for ever.
        return dict(extended)

    async def check(self, config: WatcherConfig) -> str:
        """What is wrong with the hooks of a configuration that the watcher is to have; empty where nothing is. Imports
        their modules, which may take as long as a hook."""
        found: list[Problem] = []
        call = partial(_collect, config, found)
        verdict = await ThreadedCall(self._loop, "check", call, config.hook_timeout).verdict
        if isinstance(verdict.error, LeftBehindError):
            return f"the modules of the hooks could not be imported: that {verdict.error}"
        return "; ".join(f"{each.option}: {each.message}" for each in found)

    def hurry(self, names: Set[str]) -> None:
        """Wait only a moment longer for these: what they would say is of no use any more."""
        for call in self._running:
            if call.name in names:
                call.hurry(_OVERTAKEN_S)

    def close(self) -> None:
        """Wait for none of them any more, and call none from here on: everything is about to be killed."""
        self._is_closed = True
        for call in tuple(self._running):
            call.leave_behind("was overtaken by the end")

    def background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Let a sequence with hooks in it go on by itself."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s: what its hooks belong to failed", self._watcher.config.name, exc_info=task.exception())


def _call(
    dotted: str,
    env: Mapping[str, str],
    watcher: WatcherView,
    arbiter: ArbiterView,
    name: str,
    details: Mapping[str, Any],
) -> object:
    """In the thread: import it, if nobody has yet, and call it as Circus does."""
    return load_hook(dotted, env)(watcher, arbiter, name, **details)


def _collect(config: WatcherConfig, found: list[Problem]) -> bool:
    found += check_hooks([config])
    return not found


def _was_left(call: ThreadedCall) -> bool:
    return (
        not call.verdict.cancelled()
        and call.verdict.done()
        and isinstance(call.verdict.result().error, LeftBehindError)
    )
