"""The watcher that every recipe starts from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Readiness
from circus_stack.services.plan import Site

# As for every watcher of our own kinds of configuration: a service that cannot run is given up, visibly.
_MAX_FAILURES = 10
_FAILURE_WINDOW_S = 60.0


def singleton(
    site: Site,
    cmd: str,
    ready: Readiness,
    *,
    ready_timeout: float,
    graceful_timeout: float,
    env: Mapping[str, str] | None = None,
    **others: Any,
) -> WatcherConfig:
    """A singleton watcher named like the service. Times are seconds; `others` are more of a watcher's options."""
    return WatcherConfig(
        name=site.service.name,
        cmd=cmd,
        singleton=True,
        copy_env=True,
        ready=ready,
        ready_timeout=ready_timeout,
        graceful_timeout=graceful_timeout,
        max_failures=_MAX_FAILURES,
        failure_window=_FAILURE_WINDOW_S,
        env=dict(env or {}),
        where=site.service.where,
        **others,
    )
