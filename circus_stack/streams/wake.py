"""From a lane's thread into the loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable


def call_in_loop(loop: asyncio.AbstractEventLoop, callback: Callable[[], object]) -> None:
    """Call `callback` in the loop, soon; not at all where the loop was closed in the meantime."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(callback)
