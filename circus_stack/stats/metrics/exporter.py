"""Makes the page: asks the arbiter how its watchers are, puts the figures beside it, and writes it all down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from circus_stack import __version__
from circus_stack.client.aio import AsyncClient
from circus_stack.errors import CallError, CommandError
from circus_stack.stats.metrics.figures import KnownFigures
from circus_stack.stats.metrics.page import families

log = logging.getLogger(__name__)

# A scraper waits for some seconds; an arbiter answers in milliseconds, or is in trouble.
_TIMEOUT_S = 2.0


class Exporter:
    """`known` puts the arbiter's status beside what circusd-stats knows itself. To be closed."""

    def __init__(self, endpoint: str, known: Callable[[Mapping[str, Any]], KnownFigures]) -> None:
        self._client = AsyncClient(endpoint, timeout_s=_TIMEOUT_S)
        self._known = known
        self._asking = asyncio.Lock()

    async def render(self, accept: str) -> tuple[bytes, str]:
        """The page in the form that a scraper asks for, and its Content-Type."""
        # However many ask at once, the arbiter is asked one after the other.
        async with self._asking:
            status = await self._ask()
        encode, kind = choose_encoder(accept)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Once(list(families(self._known(status), __version__))))
        return encode(registry), kind

    async def _ask(self) -> Mapping[str, Any]:
        try:
            return await self._client.call("status", extended=True)
        except (CallError, CommandError) as error:
            log.debug("the page has no states: %s", error)
            return {}

    async def aclose(self) -> None:
        """Hang up."""
        await self._client.aclose()


class _Once(Collector):
    """Series that are made already."""

    def __init__(self, made: Iterable[Metric]) -> None:
        self._made = made

    def collect(self) -> Iterable[Metric]:
        return self._made

    def describe(self) -> Iterable[Metric]:
        return ()
