"""The Python API, in the form that Circus gave it: what embedding programs, plugins and hooks import.

`import circus` means this package where Circus itself is not installed, see `alias`. It is imported by every plugin, so
that what an arbiter needs is loaded when one is made.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from circus_stack import __version__

if TYPE_CHECKING:
    from circus_stack.api.arbiter import Arbiter
    from circus_stack.api.watcher import Watcher

logger = logging.getLogger("circus")


def get_arbiter(
    watchers: Iterable[Mapping[str, Any] | Watcher],
    controller: str | None = None,
    pubsub_endpoint: str | None = None,
    *,
    env: Mapping[str, str] | None = None,
    background: bool = False,
    **options: Any,
) -> Arbiter:
    """An arbiter that is not started yet: its `start` returns when it has ended, with `background` at once.

    A watcher is a dict of the options that an ini has for one; `cmd` it must have, `name` is the program's without it.
    `controller` and `pubsub_endpoint` are Circus's ports unless given; `env` is laid under each watcher's own.
    `options` are those of `Arbiter`. Raises ConfigError, and ValueError or TypeError for a value that can't be meant.
    """
    from circus_stack.api.arbiter import Arbiter, ThreadedArbiter
    from circus_stack.api.watcher import watcher_of

    made = [watcher_of(each, env or {}) for each in watchers]
    factory = ThreadedArbiter if background else Arbiter
    return factory(made, controller, pubsub_endpoint, **options)


__all__ = ["__version__", "get_arbiter", "logger"]
