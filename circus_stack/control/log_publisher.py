"""Log lines to whoever subscribed: listens to the live tail only while somebody does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Any

import zmq

from circus_stack.control.guard import Guard
from circus_stack.control.steering import Tail
from circus_stack.control.xpub import Xpub
from circus_stack.protocol.frames import LogBatch, is_sync, log_frames, sync_frames
from circus_stack.protocol.topics import log_prefix, log_topic
from circus_stack.streams.block import Block
from circus_stack.streams.tail import numbered

# Batches that one subscriber may be behind before it loses some; a batch is at most what one read of a pipe gives.
_QUEUE = 256
# Streams whose newest number is remembered; the one that was silent longest is forgotten first.
_TOPICS = 4096


class LogPublisher:
    """The endpoint of log lines."""

    def __init__(
        self,
        tail: Tail,
        *,
        endpoint: str,
        context: zmq.Context[Any],
        loop: asyncio.AbstractEventLoop | None = None,
        owner: str | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._tail = tail
        self._unsubscribe: Callable[[], None] | None = None
        # Subscriptions that may concern log lines.
        self._wanted = 0
        self._seq = 0
        # The newest number of each topic since somebody began to listen: a subscriber sees by it what it missed.
        self._previous: dict[str, int] = {}
        self._xpub = Xpub(
            loop or asyncio.get_running_loop(),
            context,
            endpoint,
            queue_length=_QUEUE,
            owner=owner,
            guard=guard,
            on_subscribe=self._subscribed,
            on_unsubscribe=lambda prefix: self._follow_demand(prefix, -1),
        )
        self.endpoint = self._xpub.endpoint
        self.near_endpoint = self.endpoint if guard is None else guard.near(self.endpoint)

    def state(self) -> tuple[int, dict[str, int]]:
        """The number of the newest line, and of the newest of each topic that is remembered."""
        return self._seq, dict(self._previous)

    def restore(self, seq: int, previous: Mapping[str, int]) -> None:
        """Go on where another one was. Who subscribed to it comes again in a moment: until then the numbers go on, so
        that he sees what he missed."""
        self._seq = seq
        self._previous = dict(previous)
        if previous and self._unsubscribe is None:
            self._unsubscribe = self._tail.subscribe(self._feed)

    def _subscribed(self, prefix: bytes) -> None:
        self._follow_demand(prefix, 1)
        topic = prefix.decode("utf-8", "replace")
        if is_sync(topic):
            self._xpub.send(sync_frames(topic, self._seq))

    def _follow_demand(self, prefix: bytes, difference: int) -> None:
        # Counted, not searched for: a client may come, and go, with thousands of them.
        ours = log_prefix().encode()
        if not prefix.startswith(ours) and not ours.startswith(prefix):
            return
        self._wanted += difference
        if self._wanted and self._unsubscribe is None:
            self._unsubscribe = self._tail.subscribe(self._feed)
        elif not self._wanted:
            self._end_feed()

    def _end_feed(self) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
            self._previous.clear()

    def _feed(self, position: int, block: Block) -> None:
        origin = block.origin
        topic = log_topic(origin.watcher, origin.pid, origin.stream)
        is_wanted = self._xpub.is_wanted(topic.encode())
        # Who isn't asked about still moves on: whoever comes next must see no hole.
        lines = numbered(position, block.data) if is_wanted else [(position, b"")]
        previous = self._remember(topic, lines[-1][0])
        if is_wanted:
            batch = LogBatch(origin.watcher, origin.wid, origin.pid, origin.stream, block.time, lines, previous)
            self._xpub.send(log_frames(batch))

    def _remember(self, topic: str, seq: int) -> int | None:
        previous = self._previous.pop(topic, None)
        self._seq = self._previous[topic] = seq
        if len(self._previous) > _TOPICS:
            del self._previous[next(iter(self._previous))]
        return previous

    def hang_up(self, keys: Collection[str]) -> None:
        """End the subscriptions of clients with these keys."""
        self._xpub.hang_up(keys)

    def close(self, linger_s: float = 0.5) -> None:
        """Stop to publish; what is queued has `linger_s` seconds to go out."""
        self._end_feed()
        self._xpub.close(linger_s)
