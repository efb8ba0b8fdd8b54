"""What changes a running stack itself: watchers that come, go or get other options, and a file that was read again.

Each change is decided against what holds at that moment; two of the same watcher never overlap.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from circus_stack.arbiter import operations
from circus_stack.arbiter.amendment import amend
from circus_stack.arbiter.jobs import note_begun
from circus_stack.arbiter.keeper import Keeper
from circus_stack.arbiter.means import Means
from circus_stack.arbiter.merging import kept_lines, merged_stack, running_stack
from circus_stack.arbiter.outcome import Outcome
from circus_stack.arbiter.reconfiguration import Reconfiguration
from circus_stack.arbiter.sequence import Sequencer, gather
from circus_stack.arbiter.sockets import ListeningSocket
from circus_stack.config.diff import diff
from circus_stack.config.runtime import merge_runtime
from circus_stack.config.schema import StackConfig, WatcherConfig
from circus_stack.errors import CommandError, Errno, UnknownWatcherError
from circus_stack.events import ConfigApplied, WatcherAdded, WatcherRemoved

Background = Callable[[Coroutine[Any, Any, Outcome]], Awaitable[Outcome]]


class Changes:
    """The changes of one arbiter; `keepers` and `sockets` are its own and are changed in place.

    `stack` is what the file said when it was read last. `leaving` are keepers of watchers that are out of sight, until
    the last of their processes is gone; `released` are the processes that were let go. `check` raises where nothing is
    to be changed any more.
    """

    def __init__(
        self,
        stack: StackConfig,
        keepers: dict[str, Keeper],
        sockets: dict[str, ListeningSocket],
        means: Means,
        sequencer: Sequencer,
        check: Callable[[], None],
    ) -> None:
        self.stack = stack
        self.leaving: set[Keeper] = set()
        self.released: set[int] = set()
        # One change of the whole configuration at a time: each is planned against what the one before left.
        self.reconfiguring = asyncio.Lock()
        # One change of a watcher's options at a time, and none while the whole configuration changes. Nobody waits with
        # one for processes to serve: what never comes up could be mended by nobody then.
        self._changing: defaultdict[Keeper, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._keepers = keepers
        self._sockets = sockets
        self._means = means
        self._sequencer = sequencer
        self._check = check

    # -- one watcher ------------------------------------------------------------------------------------------

    def add(self, config: WatcherConfig) -> None:
        """Have one more watcher, stopped. Raises CommandError where there is one of that name, in any case."""
        if any(name.lower() == config.name.lower() for name in self._keepers):
            raise CommandError(f"{config.name!r} already exist", Errno.COMMAND_ERROR)
        if self.reconfiguring.locked():
            raise CommandError("the configuration is being changed: try again when it is done", Errno.COMMAND_ERROR)
        self._keepers[config.name] = Keeper(config, self._means)
        self._means.publish(WatcherAdded(watcher=config.name, time=self._means.epoch()))

    def take_out(self, keeper: Keeper) -> None:
        """Put a watcher out of sight at once, unless the whole configuration is changing: `remove` does it then."""
        if not self.reconfiguring.locked():
            self._take_out(keeper)

    def _take_out(self, keeper: Keeper) -> None:
        if self._keepers.get(keeper.name) is not keeper:
            raise UnknownWatcherError(keeper.name)
        del self._keepers[keeper.name]
        self.leaving.add(keeper)
        keeper.close()
        self._tell_removed(keeper)

    async def remove(self, keeper: Keeper, *, stop: bool) -> Outcome:
        """The end of a watcher; without `stop` its processes live on, no longer ours."""
        if keeper not in self.leaving:
            async with self.reconfiguring:
                self._take_out(keeper)
        if stop:
            return await self._leave(keeper)
        self.released |= keeper.release_all()
        self._forget(keeper)
        return Outcome()

    async def _leave(self, keeper: Keeper) -> Outcome:
        """Stop a watcher that is no longer ours to show."""
        outcome = await operations.stop(keeper)
        self._forget(keeper)
        return outcome

    def _forget(self, keeper: Keeper) -> None:
        self.leaving.discard(keeper)
        self._changing.pop(keeper, None)
        if keeper.name not in self._keepers:
            self._means.on_gone(keeper.name)
            self._means.control_groups.forget(keeper.name)

    def _tell_removed(self, keeper: Keeper) -> None:
        self._means.publish(WatcherRemoved(watcher=keeper.name, time=self._means.epoch()))

    async def change(self, keeper: Keeper, seen: WatcherConfig, config: WatcherConfig) -> Outcome:
        """Have `config` where `seen` was; what others changed since it was seen stays."""
        return await amend(keeper, lambda: merge_runtime(seen, keeper.config, config), self._changing[keeper])

    # -- the whole configuration ------------------------------------------------------------------------------

    @property
    def is_changing(self) -> bool:
        """Whether a configuration is changing, or a watcher is on its way out of it."""
        return (
            self.reconfiguring.locked() or bool(self.leaving) or any(lock.locked() for lock in self._changing.values())
        )

    def running(self) -> StackConfig:
        """What holds now: the file as it was read last, with all that was changed since."""
        return running_stack(self.stack, self._configs())

    def _configs(self) -> dict[str, WatcherConfig]:
        return {name: keeper.config for name, keeper in self._keepers.items()}

    def plan(self, stack: StackConfig) -> tuple[str, ...]:
        """What going over to `stack` would change, and what would stay though it says otherwise: a line each."""
        merged = merged_stack(self.stack, self._configs(), stack)
        return diff(self.running(), merged).lines() + kept_lines(stack, merged)

    async def apply(self, stack: StackConfig, *, roll: bool, background: Background) -> Outcome:
        """Go over to `stack`, all or nothing, keeping what was changed at run time and not in the file.

        Raises ReloadError with everything as it was. `background` carries on what outlives this.
        """
        async with self.reconfiguring, AsyncExitStack() as unchanging:
            for keeper in tuple(self._keepers.values()):
                await unchanging.enter_async_context(self._changing[keeper])
            note_begun(self._means.epoch())
            self._check()
            lines = self.plan(stack)
            merged = merged_stack(self.stack, self._configs(), stack)
            change = Reconfiguration(self._keepers, self._sockets, self._means, merged, roll=roll)
            await change.prepare(self._sequencer.start)
            removed = change.take_over()
            self.stack = stack
            self._means.publish(ConfigApplied(watcher="circus", time=self._means.epoch(), changes=lines))
            self.leaving.update(removed)
            for keeper in removed:
                self._tell_removed(keeper)
            left = [background(self._leave(keeper)) for keeper in removed]
            outcome = await change.wait_settled()
        return outcome + await gather(left)
