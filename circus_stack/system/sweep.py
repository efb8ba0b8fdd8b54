"""The end of everything that is left: no descendant of the arbiter outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Collection

from circus_stack.system.descent import descendants

# How long a left-over descendant has between SIGTERM and SIGKILL.
_GRACE_S = 1.0
# What SIGKILL doesn't end in this time hangs in the kernel: nobody can end it.
_KILLED_S = 5.0
_PAUSE_S = 0.01


async def sweep_descendants(spared: Collection[int] = ()) -> tuple[int, ...]:
    """End what left its process group and was handed to us as an orphan, but for `spared` and their descendants; the
    pids that were found.

    What appears meanwhile, as a child of what is asked to go, is asked too. They are reaped by whoever reaps strangers.
    """
    found: dict[int, None] = {}
    for signum, patience_s in ((signal.SIGTERM, _GRACE_S), (signal.SIGKILL, _KILLED_S)):
        gone = await _signal_until_gone(signum, patience_s, found, spared)
        if gone:
            break
    return tuple(found)


async def _signal_until_gone(signum: int, patience_s: float, found: dict[int, None], spared: Collection[int]) -> bool:
    """Signal each descendant once, until there is none; False if there still are some after `patience_s`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    asked: set[int] = set()
    # Their ends come as SIGCHLD to the reaper; this loop only runs where something strayed, and is bounded.
    while left := _unspared(spared):
        for pid in left:
            if pid not in asked:
                _signal(pid, signum)
        # Of those alone that are still there: the number of one that is gone may come again.
        asked = set(left)
        found |= dict.fromkeys(left)
        if loop.time() >= deadline:
            return False
        await asyncio.sleep(_PAUSE_S)
    return True


def _unspared(spared: Collection[int]) -> list[int]:
    found = descendants()
    kept = {each for pid in spared if pid in found for each in (pid, *descendants(pid))}
    return [pid for pid in found if pid not in kept]


def _signal(pid: int, signum: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signum)
