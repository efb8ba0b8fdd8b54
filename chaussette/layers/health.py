"""The layer that answers one path by itself: whether this worker serves. It asks the application nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def with_health(app: WSGIApplication, path: str, is_stopping: Callable[[], bool]) -> WSGIApplication:
    """`app`, but for `path`: 200 as long as the worker takes requests, 503 from the moment that it stops."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != path:
            return app(environ, start_response)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return answer(start_response, "405 Method Not Allowed", b"GET or HEAD\n", ("Allow", "GET, HEAD"))
        if is_stopping():
            return answer(start_response, "503 Service Unavailable", b"stopping\n")
        return answer(start_response, "200 OK", b"ok\n")

    return serve


def answer(start_response: StartResponse, status: str, body: bytes, *more: tuple[str, str]) -> list[bytes]:
    """A short text that nobody may keep."""
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        *more,
    ]
    start_response(status, headers)
    return [body]
