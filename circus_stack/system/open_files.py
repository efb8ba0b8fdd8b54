"""How many files may be open: the arbiter takes all that it may have, its children get what it was given."""

from __future__ import annotations

import contextlib
import resource
from dataclasses import dataclass, field

_FILES = resource.RLIMIT_NOFILE


@dataclass(slots=True)
class _Given:
    """A limit is the whole process's, and so is the memory of what it was."""

    limits: tuple[int, int] | None = field(default=None)


_given = _Given()


def raise_open_files() -> None:
    """Raise the soft limit of this process to the hard one; from here on `hand_back` has something to do.

    The soft limit is low by default for the sake of programs that use select(): the arbiter's loop doesn't.
    """
    soft, hard = resource.getrlimit(_FILES)
    if soft == hard:
        return
    # Not even that may be allowed in a sandbox; then things are as they were.
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(_FILES, (hard, hard))
        _given.limits = (soft, hard)


def hand_back(pid: int) -> None:
    """Give a child, just started, the limits that this process was started with: it may size tables by them, or use
    select()."""
    if _given.limits is None:
        return
    # It may be gone; and without CAP_SYS_RESOURCE the kernel refuses it for a process of another user.
    with contextlib.suppress(OSError):
        resource.prlimit(pid, _FILES, _given.limits)


def most_open_files() -> int | None:
    """What the arbiter may have open once it has raised its limit; None where there is no limit."""
    _, hard = resource.getrlimit(_FILES)
    return None if hard == resource.RLIM_INFINITY else hard
