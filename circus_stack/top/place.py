"""Where a stack is to be reached: its endpoints, and what to show there. Data, and the question that fills it in."""

from __future__ import annotations

from dataclasses import dataclass

from circus_stack.client.credentials import Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A stack and its endpoints; an empty one is one that it doesn't have. `credentials` are shown at all of them.

    `source`, `pid` and `started` (seconds since the epoch) are what discovery says of it.
    """

    name: str
    endpoint: str = ""
    pubsub_endpoint: str = ""
    logs_endpoint: str = ""
    stats_endpoint: str = ""
    stats_query_endpoint: str = ""
    source: str = ""
    pid: int | None = None
    started: float | None = None
    credentials: Credentials | None = None
