"""The page of metrics of one circusd-stats: its address, its token, its server, put together."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from circus_stack.config.listen import parse_address
from circus_stack.errors import CircusStackError
from circus_stack.stats.metrics.figures import KnownFigures
from circus_stack.stats.metrics.server import MetricsServer
from circus_stack.system.secret_file import read_secret

if TYPE_CHECKING:
    from circus_stack.stats.metrics.exporter import Exporter

log = logging.getLogger(__name__)

_HOST = "127.0.0.1"
# Prometheus' own list of ports has this one for us nowhere; an address without a port is refused before.
_NO_PORT = 0


class MetricsSetting(Protocol):
    """Where to serve, who may read, and whom to ask."""

    @property
    def endpoint(self) -> str: ...
    @property
    def metrics(self) -> str | None: ...
    @property
    def metrics_token_file(self) -> str | None: ...


async def serve_metrics(
    setting: MetricsSetting,
    known: Callable[[Mapping[str, Any]], KnownFigures],
    teardown: contextlib.AsyncExitStack,
) -> None:
    """Serve the page until `teardown`. Raises CircusStackError."""
    exporter = open_exporter(setting.endpoint, known)
    address = parse_address(setting.metrics or "", _HOST, _NO_PORT)
    teardown.push_async_callback(exporter.aclose)
    server = MetricsServer(exporter.render, _token(setting.metrics_token_file))
    teardown.push_async_callback(server.aclose)
    await server.listen(address.host, address.port)
    log.info("metrics are served at http://%s:%d/metrics", address.host, server.port)


def open_exporter(endpoint: str, known: Callable[[Mapping[str, Any]], KnownFigures]) -> Exporter:
    """What makes the page. Raises CircusStackError where its library is missing."""
    try:
        from circus_stack.stats.metrics.exporter import Exporter
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] != "prometheus_client":
            raise
        raise CircusStackError("metrics need a library: pip install 'circus-stack[metrics]'") from None
    return Exporter(endpoint, known)


def _token(path: str | None) -> str | None:
    """The token in a file. Raises CircusStackError for a file that cannot be read, is empty, or is open to others."""
    if not path:
        return None
    try:
        found = read_secret(path)
        token = found.data.decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CircusStackError(f"metrics_token_file: {path} cannot be read: {error}") from None
    if found.is_open:
        raise CircusStackError(f"metrics_token_file: others can read {path}: chmod 600 {path}")
    if not token:
        raise CircusStackError(f"metrics_token_file: {path} is empty")
    return token
