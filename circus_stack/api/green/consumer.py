"""The consumer for programs on gevent, patched or not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from circus_stack.api.consumer import CircusConsumer as _CircusConsumer
from circus_stack.api.conversions import DEFAULT_ENDPOINT_SUB
from circus_stack.client.library import green_context


class CircusConsumer(_CircusConsumer):
    """An iteration that lets other greenlets run while it waits."""

    def __init__(
        self,
        topics: Iterable[str | bytes],
        context: Any = None,
        endpoint: str = DEFAULT_ENDPOINT_SUB,
        ssh_server: str | None = None,
        timeout: float = 1.0,
    ) -> None:
        super().__init__(topics, context or green_context(), endpoint, ssh_server, timeout)
