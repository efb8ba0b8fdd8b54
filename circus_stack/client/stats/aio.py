"""The asyncio client of circusd-stats, to be made and used in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

from circus_stack.client.aio import AsyncClient
from circus_stack.client.aio_subscriber import AsyncSubscriber
from circus_stack.client.call import TIMEOUT_S
from circus_stack.client.closing import AsyncClosing, Closing
from circus_stack.client.credentials import Credentials
from circus_stack.client.stats.questions import SERIES, SNAPSHOT, Answer, Question, about_history, about_metrics
from circus_stack.client.stats.records import History, Record, Snapshot
from circus_stack.client.stats.selection import Selection
from circus_stack.client.stats.silence import SILENCE_S, silence_error
from circus_stack.client.stats.whereabouts import Whereabouts, whereabouts_found, whereabouts_told


class AsyncStatsClient(AsyncClosing):
    """As `sync.StatsClient`; questions may be asked at once."""

    def __init__(self, where: Whereabouts, *, timeout_s: float = TIMEOUT_S) -> None:
        self.where = where
        self.timeout_s = timeout_s
        self._asking: AsyncClient | None = None

    @classmethod
    def find(cls, environ: Mapping[str, str], stack: str | None = None, **options: Any) -> Self:
        """As `sync.StatsClient.find`."""
        return cls(whereabouts_found(environ, stack), **options)

    @classmethod
    async def connect(
        cls, endpoint: str, *, credentials: Credentials | None = None, timeout_s: float = TIMEOUT_S
    ) -> Self:
        """As `sync.StatsClient.connect`."""
        async with AsyncClient(endpoint, timeout_s=timeout_s, credentials=credentials) as client:
            options = (await client.call("globaloptions"))["options"]
        return cls(whereabouts_told(options, endpoint, credentials), timeout_s=timeout_s)

    def subscribe(
        self,
        watcher: str | None = None,
        *,
        pid: int | None = None,
        socket: str | None = None,
        silence_s: float = SILENCE_S,
    ) -> AsyncSubscription:
        """As `sync.StatsClient.subscribe`."""
        selection = Selection(watcher=watcher, pid=pid, socket=socket)
        subscriber = AsyncSubscriber(
            self.where.stats_or_refuse(), selection.topics(), credentials=self.where.credentials
        )
        return AsyncSubscription(subscriber, selection, silence_s)

    async def snapshot(self) -> Snapshot:
        """The newest of everything."""
        return await self._ask(SNAPSHOT)

    async def history(self, watcher: str = "", *, pid: int | None = None, since_s: float = 900.0) -> History:
        """As `sync.StatsClient.history`."""
        return await self._ask(about_history(watcher, pid, since_s))

    async def metrics(self, accept: str = "") -> tuple[str, str]:
        """As `sync.StatsClient.metrics`."""
        return await self._ask(about_metrics(accept))

    async def series(self) -> tuple[str, ...]:
        """The names that have a history; an empty one is the stack."""
        return await self._ask(SERIES)

    async def _ask(self, question: Question[Answer]) -> Answer:
        if self._asking is None:
            self._asking = AsyncClient(
                self.where.query_or_refuse(), timeout_s=self.timeout_s, credentials=self.where.credentials
            )
        return question.read(await self._asking.call(question.command, **question.properties))

    async def aclose(self) -> None:
        """Hang up; subscriptions are closed by themselves."""
        asking, self._asking = self._asking, None
        if asking is not None:
            await asking.aclose()


class AsyncSubscription(Closing):
    """As `sync.Subscription`."""

    def __init__(self, subscriber: AsyncSubscriber, selection: Selection, silence_s: float) -> None:
        self._subscriber = subscriber
        self._selection = selection
        self._silence_s = silence_s
        self.joined = subscriber.joined

    async def receive(self, timeout_s: float) -> Record | None:
        """The next record; None if none came within `timeout_s` seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self.next()
        except TimeoutError:
            return None

    async def next(self) -> Record:
        """The next record, however long it takes."""
        while True:
            record = self._selection.record_of(*await self._subscriber.message())
            if record is not None:
                return record

    async def __aiter__(self) -> AsyncIterator[Record]:
        while True:
            record = await self.receive(self._silence_s)
            if record is None:
                raise silence_error(self._subscriber.endpoint, self._silence_s)
            yield record

    def close(self) -> None:
        """End the subscription. Safe to call twice."""
        self._subscriber.close()
