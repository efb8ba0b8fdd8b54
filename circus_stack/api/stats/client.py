"""The figures that circusd-stats publishes, one after another, by Circus's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from circus_stack.api.consumer import CircusConsumer
from circus_stack.api.conversions import DEFAULT_ENDPOINT_STATS

_PREFIX = "stat."


class StatsClient(CircusConsumer):
    """Iterates over (watcher, pid, figures); the pid is text, and None for what sums a watcher up."""

    def __init__(
        self,
        endpoint: str = DEFAULT_ENDPOINT_STATS,
        ssh_server: str | None = None,
        context: Any = None,
        *,
        key: str | None = None,
        server_key: str | None = None,
    ) -> None:
        """`key` and `server_key` are as for a client."""
        super().__init__([_PREFIX], context, endpoint, ssh_server, key=key, server_key=server_key)

    def iter_messages(self) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
        """The next figures, as long as there are any."""
        for topic, figures in self._messages():
            name = topic.removeprefix(_PREFIX)
            # A watcher's own name may have dots: only what the message says tells them apart.
            if "subtopic" in figures:
                watcher, _, pid = name.rpartition(".")
                yield watcher, pid, figures
            else:
                yield name, None, figures
