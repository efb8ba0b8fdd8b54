"""The statistics to whoever has subscribed: JSON is made of nothing that nobody wants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from circus_stack.protocol.codec import encode

Fields = dict[str, Any]


class Outlet(Protocol):
    """A publishing socket that knows what is wanted."""

    def is_wanted(self, topic: bytes) -> bool:
        """Whether anybody has subscribed to a topic."""

    def send(self, frames: list[bytes]) -> None:
        """Publish; never waits."""


class Channel:
    """Publishes under topics."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def is_wanted(self, topic: str) -> bool:
        """Whether anybody would hear of it."""
        return self._outlet.is_wanted(topic.encode())

    def publish(self, topic: str, fields: Mapping[str, Any]) -> None:
        """To be called for what is wanted."""
        self._outlet.send([topic.encode(), encode(fields)])

    def offer(self, topic: str, make: Callable[[], Mapping[str, Any]]) -> None:
        """Publish what `make` returns, if anybody wants it."""
        if self.is_wanted(topic):
            self.publish(topic, make())
