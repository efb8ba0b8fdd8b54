"""How often a run that fails is tried. Pure."""

from __future__ import annotations

from circus_stack.config.schema import WatcherConfig


def most_attempts(config: WatcherConfig) -> int | None:
    """After how many failures in a row a watcher that runs once is given up; None: it is tried again and again."""
    if not config.respawn:
        return 1
    if config.schedule is not None:
        # The next due time is the next try, unless more are asked for.
        return max(1, config.max_retry)
    limits = [config.max_failures] if config.max_failures else []
    if config.max_retry >= 0:
        limits.append(max(1, config.max_retry))
    return min(limits, default=None)
