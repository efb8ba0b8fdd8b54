"""The page of metrics as a question to circusd-stats: for who reaches its endpoint and not the page's own address, as
the web console. Made by whoever makes the page; which is imported once somebody asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from circus_stack.errors import CircusStackError, CommandError, Errno

log = logging.getLogger(__name__)

# Scrapers are one or two; each waits for the arbiter for some seconds at most.
_MOST = 16

Tell = Callable[[dict[str, Any] | CommandError], None]
"""Takes `page` and its `content_type`, or why there is none."""


class Renderer(Protocol):
    """What makes the page, as `exporter.Exporter`."""

    async def render(self, accept: str) -> tuple[bytes, str]: ...
    async def aclose(self) -> None: ...


class PageQuestions:
    """`open_renderer` raises CircusStackError where a library is missing. To be closed."""

    def __init__(self, open_renderer: Callable[[], Renderer]) -> None:
        self._open = open_renderer
        self._renderer: Renderer | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, accept: str, tell: Tell) -> None:
        """Have `tell` called with the page in the form that `accept` (of HTTP) names; at once where there is none."""
        if len(self._tasks) >= _MOST:
            tell(CommandError(f"{_MOST} pages are being made already", Errno.COMMAND_ERROR))
            return
        try:
            renderer = self._renderer = self._renderer or self._open()
        except CircusStackError as error:
            tell(CommandError(str(error), Errno.COMMAND_ERROR))
            return
        task = asyncio.get_running_loop().create_task(_render(renderer, accept, tell))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Answer no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._renderer is not None:
            await self._renderer.aclose()


async def _render(renderer: Renderer, accept: str, tell: Tell) -> None:
    try:
        page, kind = await renderer.render(accept)
    except Exception:
        # A page that cannot be made must not end who samples.
        log.exception("the page of metrics could not be made")
        tell(CommandError("the page could not be made; the log of circusd-stats says why", Errno.COMMAND_ERROR))
        return
    tell({"page": page.decode(), "content_type": kind})
