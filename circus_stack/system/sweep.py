"""The end of everything that is left: no descendant of the arbiter outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

from circus_stack.system.descent import descendants

# How long a left-over descendant has between SIGTERM and SIGKILL.
_GRACE_S = 1.0
# What SIGKILL doesn't end in this time hangs in the kernel: nobody can end it.
_KILLED_S = 5.0


async def sweep_descendants() -> tuple[int, ...]:
    """End what left its process group and was handed to us as an orphan; the pids that were found.

    They are reaped by whoever reaps strangers.
    """
    found = tuple(descendants())
    for signum, patience_s in ((signal.SIGTERM, _GRACE_S), (signal.SIGKILL, _KILLED_S)):
        deadline = asyncio.get_running_loop().time() + patience_s
        left = _signal(signum)
        # Their ends come as SIGCHLD to the reaper; this loop only runs where something strayed, and is bounded.
        while left and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
            left = descendants()
        if not left:
            break
    return found


def _signal(signum: int) -> list[int]:
    pids = descendants()
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signum)
    return pids
