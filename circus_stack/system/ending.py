"""Waiting for the end of processes that are nobody's children here, or not ours to reap: by pidfd, in the loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence

from circus_stack.system.process_table import Entry, is_alive

# Of so many at once: each needs a descriptor. Whoever waits looks again for the rest.
_MOST = 128
# Where there is no descriptor left to wait with.
_PAUSE_S = 0.05


async def wait_ended(entries: Sequence[Entry], over: asyncio.Event, timeout_s: float) -> None:
    """Wait until the first hundred or so of the processes have ended, until `over` is set, or until the time is up."""
    loop = asyncio.get_running_loop()
    all_gone = loop.create_future()
    fds: dict[int, None] = {}

    def ended(pidfd: int) -> None:
        _close(loop, fds, pidfd)
        if not fds and not all_gone.done():
            all_gone.set_result(None)

    is_short = False
    for entry in entries[:_MOST]:
        try:
            pidfd = os.pidfd_open(entry.pid)
        except ProcessLookupError:
            continue
        except OSError:
            is_short = True
            break
        fds[pidfd] = None
        if not is_alive(entry):
            _close(loop, fds, pidfd)
            continue
        loop.add_reader(pidfd, ended, pidfd)
    if not fds:
        if is_short:
            await asyncio.sleep(min(_PAUSE_S, timeout_s))
        return
    hurried = asyncio.ensure_future(over.wait())
    try:
        await asyncio.wait((all_gone, hurried), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hurried.cancel()
        for pidfd in tuple(fds):
            _close(loop, fds, pidfd)


def _close(loop: asyncio.AbstractEventLoop, fds: dict[int, None], pidfd: int) -> None:
    loop.remove_reader(pidfd)
    os.close(pidfd)
    del fds[pidfd]
