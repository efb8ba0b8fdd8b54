"""What goes on beside the arbiter for as long as a run lasts: its tasks, and what becomes of one that fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Background:
    """Tasks that nobody awaits. One that fails is told of in the log, and takes nothing with it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[object]] = set()

    def start(self, work: Coroutine[Any, Any, object], name: str) -> None:
        """Let it run; `name` is what the log calls it."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def cancel(self) -> None:
        """The run is over."""
        for task in tuple(self._tasks):
            task.cancel()

    def _done(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("%s has failed and goes on no more", task.get_name(), exc_info=error)
