"""What concerns the whole stack in what happens to one watcher: dependents that lack it, and an end that must end all.

Every event of the arbiter's passes through here on its way out; nothing is held back or changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from msgspec import Struct

from circus_stack.arbiter.condition import Condition
from circus_stack.arbiter.dependents import Dependents
from circus_stack.arbiter.keeper import Keeper
from circus_stack.config.schema import CircusConfig
from circus_stack.events import Event, WatcherFailed
from circus_stack.states import WatcherState

log = logging.getLogger(__name__)


class Collapse(Struct, frozen=True):
    """The watcher whose failure has ended the stack, and why it was given up."""

    watcher: str
    reason: str


class Oversight:
    """Sees each event of one arbiter. `settled()` returns when no change of the whole configuration is under way, which
    may yet take back what has failed; `on_collapse` is called once, where `exit_on_failed` ends the stack."""

    def __init__(
        self,
        keepers: Mapping[str, Keeper],
        loop: asyncio.AbstractEventLoop,
        publish: Callable[[Event], None],
        epoch: Callable[[], float],
        *,
        is_available: Callable[[str], bool],
        circus: Callable[[], CircusConfig],
        settled: Callable[[], Coroutine[Any, Any, None]],
        on_collapse: Callable[[], None],
    ) -> None:
        self._keepers = keepers
        self._loop = loop
        self._publish = publish
        self._dependents = Dependents(keepers, is_available, loop, self.publish, epoch)
        self._circus = circus
        self._settled = settled
        self._on_collapse = on_collapse
        self._judging: set[asyncio.Task[None]] = set()
        self.collapse: Collapse | None = None

    def publish(self, event: Event) -> None:
        """Hand an event on, and see what it means for the others."""
        self._publish(event)
        self._dependents.note(event)
        if isinstance(event, WatcherFailed) and self.collapse is None:
            task = self._loop.create_task(self._judge(event))
            self._judging.add(task)
            task.add_done_callback(self._judging.discard)

    def condition(self, keeper: Keeper) -> Condition:
        """What there is to tell of a watcher beside its state."""
        watcher = keeper.watcher
        troubles = self._dependents.troubles(keeper) if watcher.is_up else {}
        is_held = keeper.holder is not None
        return Condition(
            waits_for=troubles if is_held else {},
            degraded_by={} if is_held else troubles,
            given_up=keeper.failures.given_up if watcher.state is WatcherState.FAILED else None,
            last_end=keeper.charge.last_end,
            failures=watcher.failures_in_a_row,
            health=keeper.health.views(),
            retry_at=keeper.retry_at() if watcher.is_up and not is_held else None,
        )

    async def _judge(self, event: WatcherFailed) -> None:
        """End the stack, where it is to end with this watcher and no change takes its failure back."""
        await self._settled()
        keeper = self._keepers.get(event.watcher)
        if keeper is None or keeper.watcher.state is not WatcherState.FAILED or self.collapse is not None:
            return
        if keeper.turns.is_closed:
            # The stack ends already, because somebody asked for it.
            return
        own = keeper.config.exit_on_failed
        if keeper.is_on_trial or not (self._circus().exit_on_failed if own is None else own):
            return
        self.collapse = Collapse(event.watcher, event.reason)
        log.error("exit_on_failed: the stack stops, since %s has failed (%s)", event.watcher, event.reason)
        self._on_collapse()
