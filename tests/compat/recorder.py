"""Records what a daemon publishes, operation by operation."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import zmq

from tests.compat.daemons import Daemon
from tests.support.waiting import PATIENCE_S

Message = tuple[str, dict[str, Any]]

_MARK = "watcher.barrier.updated"


class Recorder:
    """A subscriber of all topics. A change of the watcher `barrier` marks the end of an operation's events."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._numbers = itertools.count(1)
        self._context: zmq.Context[Any] = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.subscribe(b"")
        self._socket.connect(daemon.pubsub)
        self._wait_subscribed()

    def of(self, operation: Callable[[Daemon], object]) -> list[Message]:
        """What is published from the operation until nothing moves."""
        operation(self._daemon)
        self._daemon.settle()
        self._mark()
        return list(itertools.takewhile(lambda message: message[0] != _MARK, iter(self._receive, None)))

    def until(self, topic: str) -> list[Message]:
        """What is published until that topic, which is the last of the result."""
        seen: list[Message] = []
        while not seen or seen[-1][0] != topic:
            seen.append(self._receive())
        return seen

    def close(self) -> None:
        self._socket.close()
        self._context.term()

    def _mark(self) -> None:
        reply = self._daemon.call("set", name="barrier", options={"graceful_timeout": 30 + next(self._numbers)})
        assert reply["status"] == "ok", reply

    def _wait_subscribed(self) -> None:
        # A subscription travels by itself, and nothing says that it has come.
        for _ in range(int(PATIENCE_S / 0.05)):
            self._mark()
            if self._socket.poll(50):
                break
        self._daemon.settle()
        while self._socket.poll(200):
            self._socket.recv_multipart()

    def _receive(self) -> Message:
        assert self._socket.poll(PATIENCE_S * 1000), f"{self._daemon.side} published nothing more"
        frames = self._socket.recv_multipart()
        assert len(frames) == 2, frames
        return frames[0].decode(), json.loads(frames[1])
