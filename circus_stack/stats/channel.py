"""The statistics to whoever has subscribed: JSON is made of nothing that nobody wants."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from circus_stack.protocol.codec import encode

Fields = dict[str, Any]


class Outlet(Protocol):
    """A publishing socket that knows what is wanted."""

    def is_wanted(self, topic: bytes) -> bool:
        """Whether anybody has subscribed to a topic."""

    def is_any_wanted(self, beginning: bytes) -> bool:
        """Whether anybody has subscribed to any topic that begins so."""

    def send_all(self, messages: Iterable[tuple[bytes, bytes]]) -> None:
        """Publish topics and bodies; never waits."""


class Channel:
    """Publishes under topics."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet

    def is_wanted(self, topic: str) -> bool:
        """Whether anybody would hear of it."""
        return self._outlet.is_wanted(topic.encode())

    def is_any_wanted(self, beginning: str) -> bool:
        """Whether anybody would hear of any topic that begins so."""
        return self._outlet.is_any_wanted(beginning.encode())

    def publish(self, topic: str, fields: Mapping[str, Any]) -> None:
        """To be called for what is wanted."""
        self._outlet.send_all([(topic.encode(), encode(fields))])

    def publish_all(self, messages: Iterable[tuple[bytes, bytes]]) -> None:
        """Topics and what is encoded already; to be called for what is wanted."""
        self._outlet.send_all(messages)

    def offer(self, topic: str, make: Callable[[], Mapping[str, Any]]) -> None:
        """Publish what `make` returns, if anybody wants it."""
        if self.is_wanted(topic):
            self.publish(topic, make())
