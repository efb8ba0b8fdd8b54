"""Whether the limit of open files is enough for a stack: said before the start, not by the process that fails."""

from __future__ import annotations

from collections.abc import Iterator

from circus_stack.config.schema import StackConfig
from circus_stack.errors import Problem

# Two pipes and a pidfd, and as many for the new generation beside the old one during a rolling reload.
_FOR_A_PROCESS = 6
# The loop, the control endpoint with its clients, log files, the lock.
_FOR_ITSELF = 64


def descriptors_needed(stack: StackConfig) -> int:
    """What the arbiter needs at most, while all of it is replaced at once."""
    processes = sum(watcher.most_processes for watcher in stack.watchers)
    return processes * _FOR_A_PROCESS + len(stack.sockets) + _FOR_ITSELF


def look_at_descriptors(stack: StackConfig, most: int | None) -> Iterator[Problem]:
    """A warning if `most` open files, the hard limit, are too few; None is no limit."""
    needed = descriptors_needed(stack)
    if most is not None and needed > most:
        processes = sum(watcher.most_processes for watcher in stack.watchers)
        yield Problem(
            f"a reload of {processes} processes needs up to {needed} open files in the arbiter, and only {most} are "
            f"allowed: not all of them may start; raise it with ulimit -Hn {needed} (in systemd: LimitNOFILE={needed})"
        )
