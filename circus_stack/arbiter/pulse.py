"""Waking coroutines that wait for a condition: whoever changes the state beats the pulse, nobody polls."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Pulse:
    """Many waiters, one beat. To be used in one loop only."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()
        self._on_beat: Callable[[], None] = lambda: None

    def listen(self, on_beat: Callable[[], None]) -> None:
        """Call back at each beat; there is one who listens."""
        self._on_beat = on_beat

    def beat(self) -> None:
        """Let each waiter look at its condition again."""
        self._on_beat()
        waiters, self._waiters = self._waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return as soon as `condition()` holds after a beat, at once if it holds now."""
        while not condition():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)
