"""The consumer for programs on gevent, patched or not."""

from __future__ import annotations

from typing import Any

from circus_stack.api.consumer import CircusConsumer as _CircusConsumer
from circus_stack.client.library import green_context


class CircusConsumer(_CircusConsumer):
    """An iteration that lets other greenlets run while it waits."""

    @staticmethod
    def _context(given: Any) -> Any:
        return given or green_context()
