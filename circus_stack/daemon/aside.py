"""Runs what may import other people's modules, or wait for a disk, beside the loop. Knows nothing of what that is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from circus_stack.arbiter.hook_threads import LeftBehindError, ThreadedCall
from circus_stack.errors import CircusStackError

Result = TypeVar("Result")

# As long as a hook has unless its watcher says otherwise: what takes longer is the import of a hook's module.
TIMEOUT_S = 30.0


async def aside(what: str, call: Callable[[], Result], timeout_s: float = TIMEOUT_S) -> Result:
    """What the call returns, or raises. One that does not return in time is left behind in its thread, which holds up
    neither the loop nor the end, and CircusStackError is raised."""
    found: list[Result] = []

    def run() -> bool:
        found.append(call())
        return True

    error = (await ThreadedCall(asyncio.get_running_loop(), what, run, timeout_s).verdict).error
    if isinstance(error, LeftBehindError):
        raise CircusStackError(f"{what} {error}: does the module of a hook hang while it is imported?")
    if isinstance(error, Exception):
        raise error
    if error is not None:
        raise CircusStackError(f"{what} was ended by {error!r}")
    return found[0]
