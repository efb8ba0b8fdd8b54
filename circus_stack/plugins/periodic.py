"""A timer that calls again and again: what a plugin looks after things with. Knows no plugin."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from typing import Any

from circus_stack.plugins.event_loop import describe
from circus_stack.plugins.stopping import CallGivenUpError

log = logging.getLogger(__name__)


class PeriodicCallback:
    """Calls `callback()` every `callback_time` milliseconds in the current loop, the first time after one period.

    A coroutine function is awaited before the next period is counted from; a call that fails is logged.
    """

    def __init__(self, callback: Callable[[], object], callback_time: float) -> None:
        if callback_time <= 0:
            raise ValueError(f"a period is more than 0 ms, found {callback_time}")
        self.callback = callback
        self.callback_time = callback_time
        self._task: asyncio.Task[Any] | None = None

    def start(self) -> None:
        """Begin to call; starting twice changes nothing."""
        if self._task is None:
            self._task = asyncio.get_event_loop().create_task(self._run())

    def stop(self) -> None:
        """Call no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def is_running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._task is not None

    async def _run(self) -> None:
        loop, period_s = asyncio.get_running_loop(), self.callback_time / 1000
        begun = loop.time()
        while True:
            # Counted from the beginning, so that a slow call shifts none that follow; those it missed are left out.
            await asyncio.sleep(period_s - (loop.time() - begun) % period_s)
            await self._call()

    async def _call(self) -> None:
        try:
            result = self.callback()
            if inspect.isawaitable(result):
                await result
        except CallGivenUpError as error:
            log.info("%s: %s", describe(self.callback), error)
        except Exception as error:
            log.error("%s failed: %s", describe(self.callback), error, exc_info=log.isEnabledFor(logging.DEBUG))
