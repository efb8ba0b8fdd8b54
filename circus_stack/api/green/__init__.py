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
    **options: Any,
) -> Arbiter:
    """As `circus.get_arbiter`; `start` lets other greenlets run. With `background` it returns once
    commands are answered."""
    from circus_stack.api.green.arbiter import Arbiter

    env, is_background = options.pop("env", None) or {}, options.pop("background", False)
    arbiter = Arbiter([watcher_of(each, env) for each in watchers], controller, pubsub_endpoint, **options)
    arbiter.is_background = is_background
    return arbiter
