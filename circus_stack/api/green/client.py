"""The client for programs on gevent, patched or not."""

from __future__ import annotations

from typing import Any

from circus_stack.api.client import CallError, cast_message, make_json, make_message
from circus_stack.api.client import CircusClient as _CircusClient
from circus_stack.api.conversions import DEFAULT_ENDPOINT_DEALER
from circus_stack.client.library import green_context


class CircusClient(_CircusClient):
    """A connection whose calls let other greenlets run."""

    def __init__(
        self,
        context: Any = None,
        endpoint: str = DEFAULT_ENDPOINT_DEALER,
        timeout: float = 5.0,
        ssh_server: str | None = None,
        ssh_keyfile: str | None = None,
    ) -> None:
        super().__init__(context or green_context(), endpoint, timeout, ssh_server, ssh_keyfile)


__all__ = ["CallError", "CircusClient", "cast_message", "make_json", "make_message"]
