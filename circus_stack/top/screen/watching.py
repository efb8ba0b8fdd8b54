"""Keeps the screen's rows true: a feed for each place, its history, and the log of what is chosen."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from circus_stack.errors import CallError
from circus_stack.top.feeds import Looker, feed_of
from circus_stack.top.lines import Key, Line
from circus_stack.top.log_tail import LogTail
from circus_stack.top.place import Place
from circus_stack.top.rows import StackRow
from circus_stack.top.series import SPAN, Memory

# Between two attempts to reach what cannot be reached.
_PAUSE_S = 2.0
# A cursor that moves through lines needn't subscribe to the log of each.
_SETTLED_S = 0.15


class Watching:
    """Everything that runs beside the screen. `on_row` is called after each look, `on_log` after each new line."""

    def __init__(
        self, places: Sequence[Place], silence_s: float, on_row: Callable[[], None], on_log: Callable[[], None]
    ) -> None:
        self.memory = Memory()
        self.rows: dict[str, StackRow] = {}
        self.tail: LogTail | None = None
        self._places = {place.name: place for place in places}
        self._silence_s = silence_s
        self._on_row, self._on_log = on_row, on_log
        self._feeds: dict[str, Looker] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._following: asyncio.Task[None] | None = None
        self._filled: set[Key] = set()

    @property
    def count(self) -> int:
        """How many places there are."""
        return len(self._places)

    def stacks(self) -> list[StackRow]:
        """The newest rows, in the order of the places."""
        return [self.rows[name] for name in self._places if name in self.rows]

    def start(self) -> None:
        """Begin, in the running loop."""
        self._tasks = [asyncio.create_task(self._watch(place)) for place in self._places.values()]

    async def _watch(self, place: Place) -> None:
        while True:
            try:
                feed = self._feeds[place.name] = feed_of(place, self._silence_s)
            except CallError as error:
                self._take(StackRow(name=place.name, source=place.source, time=time.time(), trouble=str(error)))
            else:
                try:
                    await feed.run(self._take)
                finally:
                    await feed.aclose()
            await asyncio.sleep(_PAUSE_S)

    def _take(self, row: StackRow) -> None:
        # Of a stack that doesn't answer for a while the last rows stay, beside what is wrong.
        self.rows[row.name] = row
        if not row.trouble:
            self.memory.add(row)
            self._fill(row)
        self._on_row()

    def _fill(self, row: StackRow) -> None:
        wanted: list[Key] = [(row.name, "", 0), *((row.name, watcher.name, 0) for watcher in row.watchers)]
        self._fill_new(wanted)

    def _fill_new(self, wanted: Sequence[Key]) -> None:
        new = [each for each in wanted if each not in self._filled]
        if new:
            self._filled.update(new)
            self._tasks.append(asyncio.create_task(self._ask_histories(new)))

    async def _ask_histories(self, wanted: Sequence[Key]) -> None:
        for key in wanted:
            stack, watcher, pid = key
            self.memory.fill(key, await self._feeds[stack].history(watcher, pid or None, float(SPAN)))
        self._on_row()

    def follow(self, line: Line | None) -> None:
        """Follow the log of a line in place of that of the one before; None for none."""
        if self._following is not None:
            self._following.cancel()
        self.tail, self._following = None, None
        if line is not None and line.watcher is not None:
            place = self._places[line.stack.name]
            self.tail = LogTail(place, line.watcher.name, line.process.pid if line.process else None)
            self._following = asyncio.create_task(self._follow(self.tail))
            # Of a process only when it is looked at: there may be a thousand.
            self._fill_new([line.key])

    async def _follow(self, tail: LogTail) -> None:
        await asyncio.sleep(_SETTLED_S)
        await tail.run(self._on_log)

    async def command(self, stack: str, name: str, properties: Mapping[str, Any]) -> None:
        """Have an arbiter do something. Raises CallError and CommandError."""
        await self._feeds[stack].command(name, properties)

    async def stop(self) -> None:
        """End all of it."""
        tasks = [*self._tasks, *([self._following] if self._following else [])]
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
