"""The page's own small HTTP server: GET /metrics, one request a connection, everything bounded. On an event loop.

Not a WSGI server in a thread: the page is made of what the loop's own thread changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from circus_stack.errors import SocketError
from circus_stack.stats.metrics.head import MAX_HEAD, Head, is_allowed, parse_head

log = logging.getLogger(__name__)

Render = Callable[[str], Awaitable[tuple[bytes, str]]]
"""The value of Accept in; the page and its Content-Type out."""

# A scraper sends its request at once, and reads what it asked for.
_PATIENCE_S = 5.0
# Scrapers are one or two; more than so many connections at once are none.
_MOST = 16
_BACKLOG = 16


class MetricsServer:
    """Serves a page at one address, behind a token if there is one. To be closed."""

    def __init__(self, render: Render, token: str | None = None) -> None:
        self._render = render
        self._token = token
        self._open = 0
        self._server: asyncio.Server | None = None

    async def listen(self, host: str, port: int) -> None:
        """Begin to serve. Raises SocketError where the address can't be had."""
        try:
            self._server = await asyncio.start_server(
                self._serve, host, port, limit=MAX_HEAD, backlog=_BACKLOG, reuse_address=True
            )
        except OSError as error:
            raise SocketError(f"metrics = {host}:{port}: {error.strerror}") from None

    @property
    def port(self) -> int:
        """The port that it has; of 0 the one that was found."""
        sockets = self._server.sockets if self._server is not None else ()
        return int(sockets[0].getsockname()[1]) if sockets else 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _MOST:
                async with asyncio.timeout(_PATIENCE_S):
                    await self._answer(reader, writer)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            # Whoever doesn't ask, or doesn't read, is let go.
            writer.transport.abort()
        finally:
            self._open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = parse_head(await reader.readuntil(b"\r\n\r\n"))
        except (asyncio.LimitOverrunError, ValueError):
            await _respond(writer, "400 Bad Request", b"this is no request\n")
            return
        status, body, more = await self._judge(head)
        await _respond(writer, status, b"" if head.method == "HEAD" else body, more, length=len(body))

    async def _judge(self, head: Head) -> tuple[str, bytes, tuple[str, ...]]:
        if not is_allowed(head, self._token):
            return "401 Unauthorized", b"a token is wanted\n", ("WWW-Authenticate: Bearer",)
        if head.method not in ("GET", "HEAD"):
            return "405 Method Not Allowed", b"GET it\n", ("Allow: GET, HEAD",)
        if head.path != "/metrics":
            return "404 Not Found", b"the page is /metrics\n", ()
        try:
            body, kind = await self._render(head.headers.get("accept", ""))
        except Exception:
            # A page that cannot be made must not end who samples.
            log.exception("the page of metrics could not be made")
            return "500 Internal Server Error", b"it could not be made; the log says why\n", ()
        return "200 OK", body, (f"Content-Type: {kind}",)

    async def aclose(self) -> None:
        """Serve no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()


async def _respond(
    writer: asyncio.StreamWriter, status: str, body: bytes, more: tuple[str, ...] = (), *, length: int | None = None
) -> None:
    kind = () if any(each.startswith("Content-Type") for each in more) else ("Content-Type: text/plain",)
    size = len(body) if length is None else length
    lines = (f"HTTP/1.1 {status}", *more, *kind, f"Content-Length: {size}", "Connection: close", "", "")
    writer.write("\r\n".join(lines).encode() + body)
    await writer.drain()
