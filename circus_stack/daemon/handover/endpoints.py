"""The endpoints of control, bound again where another arbiter had them: clients come back to the same addresses."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from circus_stack.config.schema import CircusConfig
from circus_stack.daemon.handover.record import ControlRecord
from circus_stack.errors import SocketError

# Between the exec and now a port was free for a moment: who took it may give it back, as a program does that was only
# given it by chance for a connection of its own.
_PATIENCE_S = 5.0
_PAUSE_S = 0.05


def at_the_same(circus: CircusConfig, record: ControlRecord) -> CircusConfig:
    """The options with the addresses that were bound, also where the kernel had chosen a port."""
    return replace(
        circus,
        endpoint=record.endpoint,
        pubsub_endpoint=record.pubsub_endpoint,
        logs_endpoint=record.logs_endpoint,
    )


def bind_patiently(bind: Callable[[], None], undo: Callable[[], None]) -> None:
    """Bind; where an address is taken, `undo` what was bound and try again for some seconds. Raises SocketError.

    Blocks: for a moment in which there is nothing else to do.
    """
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return bind()
        except SocketError:
            undo()
            if time.monotonic() > deadline:
                raise
        time.sleep(_PAUSE_S)


async def start_patiently(start: Callable[[], Awaitable[None]]) -> None:
    """The same for the endpoint of commands, which binds when it starts."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE_S
    while True:
        try:
            return await start()
        except SocketError:
            if loop.time() > deadline:
                raise
        await asyncio.sleep(_PAUSE_S)
