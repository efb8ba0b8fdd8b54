"""Follows an arbiter: a snapshot of who runs, then its events; both anew whenever the connection was made anew."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

from circus_stack.client.aio import AsyncClient
from circus_stack.client.aio_subscriber import AsyncSubscriber
from circus_stack.errors import CallError, CommandError
from circus_stack.protocol.topics import EVENTS
from circus_stack.stats.census import Census
from circus_stack.stats.metrics.tally import Tally

log = logging.getLogger(__name__)

# An arbiter of ours tells in milliseconds that it knows the subscription; without a word a snapshot is taken anyway.
_JOIN_TIMEOUT_S = 2.0
# Between two attempts to reach an arbiter that doesn't answer.
_PAUSE_S = 1.0


class Follower:
    """Keeps a census true. `own` are the pids of this program's side: name by pid."""

    def __init__(self, endpoint: str, pubsub_endpoint: str, census: Census, own: Mapping[int, str]) -> None:
        self._census = census
        self._own = dict(own)
        self._client = AsyncClient(endpoint)
        self._subscriber = AsyncSubscriber(pubsub_endpoint, (f"{EVENTS}.",))
        # What came before the snapshot that it is to be joined to.
        self._early: list[tuple[str, dict[str, Any]]] = []
        self._has_snapshot = False
        self.sockets: list[dict[str, Any]] = []
        # What has happened to each watcher; where the workers say what they serve.
        self.tally = Tally()
        self.scoreboard: str | None = None

    async def run(self, on_joined: Callable[[], None]) -> None:
        """Follow until cancelled; `on_joined` is called after each snapshot."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._receive())
            tasks.create_task(self._join_again_and_again(on_joined))

    async def _receive(self) -> None:
        while True:
            topic, fields = await self._subscriber.message()
            event = topic.rpartition(".")[2]
            self.tally.apply(event, fields)
            if not self._has_snapshot:
                self._early.append((event, fields))
                self._census.hear(event, fields)
                continue
            self._census.apply(event, fields)
            if event in ("config_applied", "add", "remove"):
                await self._read_sockets()
            if event in ("add", "updated") and isinstance(fields.get("watcher"), str):
                await self._read_interval(fields["watcher"])

    async def _join_again_and_again(self, on_joined: Callable[[], None]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_JOIN_TIMEOUT_S):
                await self._subscriber.joined.wait()
        while True:
            self._subscriber.joined.clear()
            if await self._take_snapshot():
                on_joined()
                await self._subscriber.joined.wait()
            else:
                await asyncio.sleep(_PAUSE_S)

    async def _take_snapshot(self) -> bool:
        self._has_snapshot = False
        try:
            status = await self._client.call("status", extended=True)
            arbiter = await self._client.call("dstats")
            sockets = await self._client.call("listsockets")
            options = await self._client.call("globaloptions")
        except (CallError, CommandError) as error:
            log.warning("no snapshot of the arbiter's processes: %s", error)
            return False
        try:
            own = {int(arbiter["info"]["pid"]): "circusd", **self._own}
            unheard = self._census.replace(status["watchers"], int(status["seq"]), own)
            self.sockets = list(sockets["sockets"])
            self.scoreboard = options["options"].get("scoreboard")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            log.warning("no snapshot of the arbiter's processes, a reply is none of circus-stack's: %r", error)
            return False
        self.tally.add_unheard(unheard)
        for event, fields in self._early:
            self._census.apply(event, fields)
        self._early.clear()
        self._has_snapshot = True
        for name in list(self._census.rows):
            await self._read_interval(name)
        return True

    async def _read_sockets(self) -> None:
        """A configuration that was read again may have others, and a watcher that came or went had some."""
        try:
            self.sockets = list((await self._client.call("listsockets"))["sockets"])
        except (CallError, CommandError, KeyError, TypeError) as error:
            log.warning("the sockets of before are looked at: %r", error)

    async def _read_interval(self, name: str) -> None:
        try:
            reply = await self._client.call("get", name=name, keys=["stats_interval"])
        except (CallError, CommandError):
            # It was removed meanwhile, or the arbiter is of another version: the stack's interval holds.
            return
        try:
            value = reply["options"].get("stats_interval")
            self._census.set_interval(name, float(value) if value else None)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            log.warning("no interval of %s, a reply is none of circus-stack's: %r", name, error)

    async def aclose(self) -> None:
        """Hang up."""
        self._subscriber.close()
        await self._client.aclose()
