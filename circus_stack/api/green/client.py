"""The client for programs on gevent, patched or not."""

from __future__ import annotations

from typing import Any

from circus_stack.api.client import CallError, cast_message, make_json, make_message
from circus_stack.api.client import CircusClient as _CircusClient
from circus_stack.client.library import green_context


class CircusClient(_CircusClient):
    """A connection whose calls let other greenlets run."""

    @staticmethod
    def _context(given: Any) -> Any:
        return given or green_context()


__all__ = ["CallError", "CircusClient", "cast_message", "make_json", "make_message"]
