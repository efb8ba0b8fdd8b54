"""What a stack does, look after look, as long as somebody watches. Wakes up for circusd-stats' ticks and for events.

One look is one snapshot of circusd-stats; the arbiter is asked again only when something has happened there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from circus_stack.client.aio import AsyncClient
from circus_stack.client.aio_subscriber import AsyncSubscriber
from circus_stack.client.stats.aio import AsyncStatsClient
from circus_stack.client.stats.reading import number
from circus_stack.client.stats.records import NO_FIGURES, Snapshot
from circus_stack.client.stats.whereabouts import NO_STATS, Whereabouts
from circus_stack.errors import CallError, CommandError
from circus_stack.protocol.topics import EVENTS, STACK_TOPIC
from circus_stack.top.merge import sockets_of, watchers_of
from circus_stack.top.place import Place
from circus_stack.top.rows import StackRow

Fields = Mapping[str, Any]

# Without a tick for so long (nobody samples, or at a slow pace) a look is taken anyway.
_LONGEST_S = 2.0
# Of a storm of events one look shows as much as many.
_SHORTEST_S = 0.2
_TIMEOUT_S = 3.0


class Feed:
    """Looks at one stack, from one event loop. To be closed with `aclose`."""

    def __init__(self, place: Place, epoch: Callable[[], float] = time.time) -> None:
        """Raises CallError for endpoints that nobody can connect to."""
        self.place = place
        self._epoch = epoch
        self._arbiter = AsyncClient(place.endpoint, timeout_s=_TIMEOUT_S, credentials=place.credentials)
        where = Whereabouts(query=place.stats_query_endpoint, credentials=place.credentials)
        self._stats = AsyncStatsClient(where, timeout_s=_TIMEOUT_S)
        self._status: Fields = {}
        self._sockets: list[Fields] = []
        self._is_stale = True
        self._woken = asyncio.Event()

    async def look(self) -> StackRow:
        """The stack as it is now; what could not be learned stands in its `trouble`."""
        try:
            await self._ask_arbiter()
            snapshot, trouble = await self._ask_stats()
            return self._merged(snapshot, trouble)
        except (CallError, CommandError) as error:
            self._is_stale = True
            return self._row(time=self._epoch(), trouble=str(error))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._is_stale = True
            return self._row(time=self._epoch(), trouble=f"a reply is none of circus-stack's: {error!r}")

    def _merged(self, snapshot: Snapshot | None, trouble: str) -> StackRow:
        told = snapshot.stack.time if snapshot is not None else number(self._status.get("time"))
        now = self._epoch() if told is None else told
        return self._row(
            time=now,
            figures=snapshot.stack.figures if snapshot is not None else NO_FIGURES,
            watchers=watchers_of(self._status, snapshot, now),
            sockets=sockets_of(self._sockets, snapshot),
            trouble=trouble,
        )

    async def _ask_arbiter(self) -> None:
        if not self._is_stale:
            return
        # Before the question: what happens from now on may not be in the answer.
        self._is_stale = False
        status, sockets = await asyncio.gather(
            self._arbiter.call("status", extended=True), self._arbiter.call("listsockets")
        )
        self._status, self._sockets = status, sockets["sockets"]

    async def _ask_stats(self) -> tuple[Snapshot | None, str]:
        if not self.place.stats_query_endpoint:
            return None, f"no figures: {NO_STATS}"
        try:
            return await self._stats.snapshot(), ""
        except (CallError, CommandError) as error:
            return None, f"no figures: {error}"

    def _row(self, **fields: Any) -> StackRow:
        place = self.place
        return StackRow(name=place.name, source=place.source, pid=place.pid, started=place.started, **fields)

    async def history(self, watcher: str, pid: int | None, since_s: float) -> Fields:
        """What circusd-stats remembers of a watcher, "" for the stack, or of a process; nothing where there is no
        history."""
        try:
            found = await self._stats.history(watcher, pid=pid, since_s=since_s)
        except (CallError, CommandError):
            return {}
        return {"step": found.step, "times": found.times, **found.columns}

    async def command(self, name: str, properties: Fields) -> None:
        """Have the arbiter do something. Raises CallError and CommandError."""
        await self._arbiter.call(name, **properties)
        self._wake(is_stale=True)

    async def run(self, tell: Callable[[StackRow], None]) -> None:
        """Tell of each look, until cancelled."""
        async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
            for endpoint, topic, is_stale in (
                # The sum over the stack is published once a tick, and so is the sign that there is something new.
                (self.place.stats_endpoint, STACK_TOPIC, False),
                (self.place.pubsub_endpoint, f"{EVENTS}.", True),
            ):
                if endpoint:
                    subscriber = AsyncSubscriber(endpoint, (topic,), credentials=self.place.credentials)
                    stack.callback(subscriber.close)
                    tasks.create_task(self._listen(subscriber, is_stale=is_stale))
            async for row in self._looks():
                tell(row)

    async def _listen(self, subscriber: AsyncSubscriber, *, is_stale: bool) -> None:
        while True:
            await subscriber.receive()
            self._wake(is_stale=is_stale)

    def _wake(self, *, is_stale: bool) -> None:
        self._is_stale = self._is_stale or is_stale
        self._woken.set()

    async def _looks(self) -> AsyncIterator[StackRow]:
        while True:
            self._woken.clear()
            yield await self.look()
            await asyncio.sleep(_SHORTEST_S)
            try:
                async with asyncio.timeout(_LONGEST_S):
                    await self._woken.wait()
            except TimeoutError:
                # Events may have been lost with a connection.
                self._is_stale = True

    async def aclose(self) -> None:
        """Hang up."""
        await self._arbiter.aclose()
        await self._stats.aclose()
