"""Published messages in an event loop: as the frames that came, for programs that hand them on, or read."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable

import zmq
import zmq.asyncio

from circus_stack.client.credentials import Credentials
from circus_stack.client.subscriber import EVENTS_QUEUE, Message
from circus_stack.protocol.frames import Frames, parse_frames
from circus_stack.protocol.topics import sync_topic


class AsyncSubscriber:
    """A subscription to topics by their beginnings, to be made and used in one event loop.

    `joined` is set when the publisher knows of the subscription, and again after each time that the connection was
    made anew: a publisher of ours answers, one of Circus's doesn't. Whoever clears it hears of the next time.
    """

    def __init__(self, endpoint: str, topics: Iterable[str] = ("",), *, credentials: Credentials | None = None) -> None:
        self.endpoint = endpoint
        self.joined = asyncio.Event()
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, EVENTS_QUEUE)
        self._socket.setsockopt(zmq.LINGER, 0)
        if "[" in endpoint:
            self._socket.setsockopt(zmq.IPV6, 1)
        # Kept for the whole life, and sent last of all: ZeroMQ repeats it to a publisher that came back.
        self._sync = sync_topic(uuid.uuid4().hex).encode()
        for topic in (*(topic.encode() for topic in topics), self._sync):
            self._socket.setsockopt(zmq.SUBSCRIBE, topic)
        try:
            if credentials is not None:
                credentials.show_on(self._socket)
            self._socket.connect(endpoint)
        except BaseException:
            self.close()
            raise

    async def receive(self) -> Frames:
        """The next message: topic and JSON. What is no message of two frames is passed over."""
        while True:
            frames = await self._socket.recv_multipart()
            if frames[0] == self._sync:
                self.joined.set()
            elif len(frames) == 2:
                return frames

    async def message(self) -> Message:
        """The next message, read. What nobody of ours or of Circus's sends is passed over."""
        while True:
            try:
                return parse_frames(await self.receive())
            except ValueError:
                continue

    def close(self) -> None:
        """End the subscription. Safe to call twice."""
        self._socket.close(linger=0)
        self._context.term()
