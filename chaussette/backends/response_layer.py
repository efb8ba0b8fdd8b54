"""The WSGI layer over servers that send no Server header and a body for HEAD. It keeps the application's iterables."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def mended(app: WSGIApplication, server_header: str) -> WSGIApplication:
    """`app` with a Server header, and without content in answer to HEAD."""

    def mend(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        is_head = environ["REQUEST_METHOD"] == "HEAD"

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
            write = start_response(status, with_server(headers, server_header), exc_info)
            return swallow if is_head else write

        if is_head:
            return headless(app(environ, start))
        return app(environ, start)

    return mend


def with_server(headers: list[tuple[str, str]], server_header: str) -> list[tuple[str, str]]:
    """`headers` with our Server header, where there is one and the application has set none."""
    if not server_header or any(name.lower() == "server" for name, _ in headers):
        return headers
    return [*headers, ("Server", server_header)]


def swallow(_data: bytes) -> None:
    """`write` of a response that has no body."""


def headless(body: Iterable[bytes]) -> list[bytes]:
    """Run the response of a HEAD to its end without its content, and close it."""
    measured(body)
    return []


def measured(body: Iterable[bytes]) -> int:
    """Run a response to its end, close it, and say how many bytes it had."""
    try:
        return sum(len(piece) for piece in body)
    finally:
        close: Any = getattr(body, "close", None)
        if close is not None:
            close()
