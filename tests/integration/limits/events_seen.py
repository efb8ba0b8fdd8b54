"""Events of a running stack, collected until enough of them have come."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from circus_stack.client.subscriber import Subscriber
from tests.support.waiting import PATIENCE_S, wait_until

Event = tuple[str, dict[str, Any]]
"""The last part of the topic, and the JSON."""


def seen_until(
    events: Subscriber, enough: Callable[[Sequence[str]], bool], *, timeout_s: float = PATIENCE_S
) -> list[Event]:
    """The next events, in their order, until `enough` of the topics so far."""
    found: list[Event] = []

    def look() -> bool:
        message = events.receive(0.1)
        if message is not None:
            found.append((message[0].rpartition(".")[2], message[1]))
        return enough([topic for topic, _ in found])

    wait_until(look, "the events", timeout_s=timeout_s, pause_s=0, detail=lambda: found)
    return found
