"""What the files say: read again, applied, and written back, by one at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial

from circus_stack import services
from circus_stack.arbiter.arbiter import Arbiter
from circus_stack.config.schema import WatcherConfig
from circus_stack.control.desk import Saved
from circus_stack.daemon.arrangement import arrange, check_with_system
from circus_stack.daemon.aside import aside
from circus_stack.daemon.reporting import Reporting
from circus_stack.daemon.saving import save
from circus_stack.daemon.setting import Setting
from circus_stack.errors import CircusStackError, ConfigError, Problem
from circus_stack.events import Event, WatcherAdded, WatcherUpdated
from circus_stack.services import Arrangement
from circus_stack.streams.streams import Streams
from circus_stack.streams.validation import unknown_changes

log = logging.getLogger(__name__)


class Configuring:
    """Goes over to what the files say by now. `reread_keys` reads who is let in at the endpoints."""

    def __init__(
        self,
        setting: Setting,
        arbiter: Arbiter,
        streams: Streams,
        reporting: Reporting,
        reread_keys: Callable[[], Awaitable[None]],
    ) -> None:
        self._setting = setting
        self._arbiter = arbiter
        self._streams = streams
        self._reporting = reporting
        self._reread_keys = reread_keys
        self._turn = asyncio.Lock()

    def is_under_way(self) -> bool:
        """Whether files are being read or written."""
        return self._turn.locked()

    async def reread(self) -> None:
        """Apply what the files say, and roll; what is wrong with them stands in the log."""
        try:
            await self.reconfigure(roll=True, dry_run=False)
        except CircusStackError as error:
            log.error("the configuration was not applied, everything serves on as before:\n%s", error)

    async def reconfigure(self, *, roll: bool, dry_run: bool) -> tuple[str, ...]:
        """Read the configuration again and go over to it; the lines of the plan. Raises CircusStackError."""
        async with self._turn, self._reporting.reloading(is_real=not dry_run):
            arrangement = await self._read()
            lines = self._arbiter.plan(arrangement.stack)
            if dry_run:
                return lines
            await self._reread_keys()
            for plan in arrangement.plans.values():
                await asyncio.to_thread(services.place, plan)
            await self._arbiter.apply(arrangement.stack, roll=roll)
        self._streams.sink_timeout_s = arrangement.stack.circus.sink_timeout
        for name in self._arbiter.names():
            self._configure_streams(name)
        return lines

    async def save(self) -> Saved:
        """Write what was changed at run time into the files. They are read before and after: what they say is known."""
        async with self._turn:
            found = (await self._read()).stack
            arbiter = self._arbiter
            saved = await asyncio.to_thread(save, found, arbiter.stack, arbiter.running().watchers)
            arbiter.declare((await self._read()).stack)
        return saved

    def check_watcher(self, config: WatcherConfig) -> list[Problem]:
        """What of a watcher that a client declares only the system can judge."""
        problems = check_with_system((config,), self._arbiter.stack.kind)
        if config.name in self._arbiter.names() and not problems:
            problems = unknown_changes(self._arbiter.config(config.name), config)
        return problems

    def follow(self, event: Event) -> None:
        """Streams know watchers as long as the arbiter does, and with the options that they have there."""
        if isinstance(event, WatcherAdded | WatcherUpdated):
            self._configure_streams(event.watcher)

    async def _read(self) -> Arrangement:
        return await aside("reading the configuration", partial(arrange, self._setting))

    def _configure_streams(self, name: str) -> None:
        try:
            self._streams.configure(self._arbiter.config(name))
        except ConfigError as error:
            log.error("the output of %s goes where it went before:\n%s", name, error)
