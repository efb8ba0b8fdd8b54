"""A short program run to its end without blocking the loop: for probes. Its exit comes through the one reaper."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence

from circus_stack.system.descent import signal_group
from circus_stack.system.reaper import Reaper
from circus_stack.system.spawn import SpawnPlan, spawn


async def run_command(reaper: Reaper, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | None) -> int:
    """Run a program with /dev/null for stdin, stdout and stderr; its exit code, or minus its signal.

    Raises SpawnError. When cancelled, the program and its process group are killed.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        child = spawn(SpawnPlan(argv, env, cwd, None, (), null, null))
    finally:
        os.close(null)
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def on_exit(_pid: int, exit_code: int | None) -> None:
        # None is for what was adopted, which this was not.
        if exit_code is not None and not ended.done():
            ended.set_result(exit_code)

    reaper.add(child, on_exit)
    try:
        return await ended
    except asyncio.CancelledError:
        # It may have ended in the same turn of the loop: its number is somebody else's then.
        if reaper.knows(child.pid):
            signal_group(child.pid, signal.SIGKILL)
        raise
