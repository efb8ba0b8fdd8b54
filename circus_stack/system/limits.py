"""Resource limits of a child, by the names of `rlimit_*`: whether they can be set. Sets nothing."""

from __future__ import annotations

import resource
from collections.abc import Mapping

from circus_stack.errors import SpawnError
from circus_stack.system.capabilities import CAP_SYS_RESOURCE, has_capability

Limits = Mapping[str, tuple[int, int]]
"""Name -> soft and hard limit, both in the kernel's unit; -1 is no limit."""


def check_limits(limits: Limits) -> None:
    """Raise SpawnError for a limit that the system doesn't know, or that this process cannot give to a child."""
    for name, (soft, hard) in limits.items():
        number = limit_number(name)
        if number is None:
            raise SpawnError(f"rlimit_{name}: this system has no such limit; it has {', '.join(limit_names())}")
        if _is_above(soft, hard):
            raise SpawnError(f"rlimit_{name}: the soft limit {_text(soft)} is above the hard limit {_text(hard)}")
        _, most = resource.getrlimit(number)
        if _is_above(hard, most) and not has_capability(CAP_SYS_RESOURCE):
            raise SpawnError(
                f"rlimit_{name}: {_text(hard)} is above the hard limit {_text(most)} of the arbiter, "
                "and only a process with CAP_SYS_RESOURCE may raise it"
            )


def limit_number(name: str) -> int | None:
    """The kernel's number of a limit, `nofile` or `NOFILE`; None for a name that it doesn't know."""
    return getattr(resource, f"RLIMIT_{name.upper()}", None)


def sets_limit(limits: Limits, name: str) -> bool:
    """Whether they say something about this limit, by whichever of its names."""
    return limit_number(name) in map(limit_number, limits)


def limit_names() -> tuple[str, ...]:
    """All that this system has."""
    return tuple(sorted(name[7:].lower() for name in dir(resource) if name.startswith("RLIMIT_")))


def _is_above(one: int, other: int) -> bool:
    infinity = resource.RLIM_INFINITY
    return other != infinity and (one == infinity or one > other)


def _text(limit: int) -> str:
    return "unlimited" if limit == resource.RLIM_INFINITY else str(limit)
