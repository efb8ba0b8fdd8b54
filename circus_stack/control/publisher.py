"""Events to whoever subscribed: numbers them, and makes JSON only of what somebody wants."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import zmq

from circus_stack.control.guard import Guard
from circus_stack.control.xpub import Xpub
from circus_stack.events import Event
from circus_stack.protocol.frames import event_frames, is_sync, sync_frames, topic_of

# Events that one subscriber may be behind before it loses some.
_QUEUE = 10_000


class Publisher:
    """The endpoint of events. `seq` is the number of the newest event, 0 before the first."""

    def __init__(
        self,
        *,
        endpoint: str,
        context: zmq.Context[Any],
        loop: asyncio.AbstractEventLoop | None = None,
        owner: str | None = None,
        guard: Guard | None = None,
    ) -> None:
        self.seq = 0
        self._xpub = Xpub(
            loop or asyncio.get_running_loop(),
            context,
            endpoint,
            queue_length=_QUEUE,
            owner=owner,
            guard=guard,
            on_subscribe=self._answer_sync,
        )
        self.endpoint = self._xpub.endpoint
        self.near_endpoint = self.endpoint if guard is None else guard.near(self.endpoint)

    def publish(self, event: Event) -> None:
        """Number an event and send it; returns at once, and does nothing more once closed."""
        self.seq += 1
        if self._xpub.is_wanted(topic_of(event).encode()):
            self._xpub.send(event_frames(event, self.seq))

    def _answer_sync(self, prefix: bytes) -> None:
        topic = prefix.decode("utf-8", "replace")
        if is_sync(topic):
            self._xpub.send(sync_frames(topic, self.seq))

    def hang_up(self, keys: Collection[str]) -> None:
        """End the subscriptions of clients with these keys."""
        self._xpub.hang_up(keys)

    def close(self, linger_s: float = 0.5) -> None:
        """Stop to publish; what is queued has `linger_s` seconds to go out."""
        self._xpub.close(linger_s)
