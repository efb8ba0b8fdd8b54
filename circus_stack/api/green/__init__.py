"""The variants for programs on gevent: other greenlets run while one waits. Need the extra `gevent`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from circus_stack.api.watcher import Watcher, watcher_of

if TYPE_CHECKING:
    from circus_stack.api.green.arbiter import Arbiter


def get_arbiter(
    watchers: Iterable[Mapping[str, Any] | Watcher],
    controller: str | None = None,
    pubsub_endpoint: str | None = None,
    *,
    env: Mapping[str, str] | None = None,
    background: bool = False,
    **options: Any,
) -> Arbiter:
    """As `circus.get_arbiter`; `start` lets other greenlets run. With `background` it returns at once."""
    from circus_stack.api.green.arbiter import Arbiter

    made = [watcher_of(each, env or {}) for each in watchers]
    arbiter = Arbiter(made, controller, pubsub_endpoint, **options)
    arbiter.is_background = background
    return arbiter
