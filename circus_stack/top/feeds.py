"""Who looks at a place: a stack with its arbiter, or a statistics channel alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from circus_stack.client.stats.aio import AsyncStatsClient
from circus_stack.client.stats.whereabouts import Whereabouts
from circus_stack.errors import CommandError
from circus_stack.top.channel import Board, total_of
from circus_stack.top.feed import Feed
from circus_stack.top.place import Place
from circus_stack.top.rows import StackRow

Fields = Mapping[str, Any]

# A publisher's pace: between two looks, and until the first one has heard of everybody.
_PACE_S = 1.0
_SILENT = "nothing was heard: nobody publishes statistics there, or only for those with a key (--key)"


class Looker(Protocol):
    """A source of rows, to be used in one event loop and closed there."""

    place: Place

    async def look(self) -> StackRow:
        """The stack as it is now."""

    async def run(self, tell: Callable[[StackRow], None]) -> None:
        """Tell of each look, until cancelled."""

    async def history(self, watcher: str, pid: int | None, since_s: float) -> Fields:
        """What is remembered of a watcher, "" for the stack, or of a process of it; nothing where nobody remembers."""

    async def command(self, name: str, properties: Fields) -> None:
        """Have the arbiter do something. Raises CallError and CommandError."""

    async def aclose(self) -> None:
        """Hang up."""


def feed_of(place: Place, silence_s: float) -> Looker:
    """The one that fits a place. Raises CallError for endpoints that nobody can connect to."""
    return Feed(place) if place.endpoint else ChannelFeed(place, silence_s)


class ChannelFeed:
    """Listens to a statistics channel, of Circus or of ours. There is nobody to command, and nobody remembers."""

    def __init__(self, place: Place, silence_s: float) -> None:
        self.place = place
        self._board = Board(silence_s)
        self._has_heard = False
        where = Whereabouts(stats=place.stats_endpoint, credentials=place.credentials)
        self._records = AsyncStatsClient(where).subscribe()

    async def look(self) -> StackRow:
        """What was told within a pace, a little more than a second."""
        listening = asyncio.create_task(self._listen())
        await asyncio.sleep(2 * _PACE_S)
        listening.cancel()
        return self._row()

    def _row(self) -> StackRow:
        watchers = self._board.watchers(time.monotonic())
        return StackRow(
            name=self.place.name,
            time=time.time(),
            figures=total_of(watchers),
            watchers=watchers,
            sockets=self._board.sockets(),
            trouble="" if self._has_heard else _SILENT,
        )

    async def run(self, tell: Callable[[StackRow], None]) -> None:
        """Tell of each look, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            while True:
                await asyncio.sleep(_PACE_S)
                tell(self._row())

    async def _listen(self) -> None:
        while True:
            record = await self._records.next()
            self._has_heard = True
            self._board.apply(record, time.monotonic())

    async def history(self, watcher: str, pid: int | None, since_s: float) -> Fields:
        """Nothing."""
        del watcher, pid, since_s
        return {}

    async def command(self, name: str, properties: Fields) -> None:
        """Refused. Raises CommandError."""
        del properties
        raise CommandError(f"{name}: a statistics channel takes no commands; name the arbiter with --remote")

    async def aclose(self) -> None:
        """Hang up."""
        self._records.close()
