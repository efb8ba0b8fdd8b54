"""The layer that ends a request which takes too long: 504 where nothing was sent, else the end of the connection.

How a request is interrupted is the backend's affair: it gives a context manager that raises `RequestTimedOut` inside.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from chaussette.errors import RequestTimedOut
from chaussette.scoreboard.counting import is_made_by

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("chaussette")

Limit = Callable[[float], AbstractContextManager[object]]
"""Seconds -> a block in which `RequestTimedOut` is raised after them, at the next moment at which it can be."""

_BODY = b"The request took too long.\n"
_HEADERS = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_BODY)))]


def limited(app: WSGIApplication, seconds: float, limit: Limit) -> WSGIApplication:
    """`app`, whose response has so many seconds from the call to its last piece. A WebSocket has no limit."""

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            return app(environ, start_response)
        deadline = time.monotonic() + seconds
        try:
            with limit(seconds):
                result = app(environ, start_response)
        except RequestTimedOut:
            _tell(environ, seconds)
            error = TimeoutError(f"the request took more than {seconds:g} s")
            # Raises it where the head has been sent.
            start_response("504 Gateway Timeout", list(_HEADERS), (TimeoutError, error, None))  # type: ignore[arg-type]
            return [_BODY]
        if isinstance(result, (list, tuple)) or _is_file(result, environ):
            return result
        return _Pieces(result, deadline, limit, lambda: _tell(environ, seconds))

    return serve


def _tell(environ: WSGIEnvironment, seconds: float) -> None:
    log.warning("%s %r took more than %g s", environ["REQUEST_METHOD"], environ["PATH_INFO"], seconds)


def _is_file(result: object, environ: WSGIEnvironment) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    return wrapper is not None and is_made_by(result, wrapper)


class _Pieces:
    """A streamed body, each piece of which is made before the deadline."""

    def __init__(self, body: Iterable[bytes], deadline: float, limit: Limit, tell: Callable[[], None]) -> None:
        self._body = body
        self._pieces = iter(body)
        self._deadline = deadline
        self._limit = limit
        self._tell = tell

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        left_s = self._deadline - time.monotonic()
        try:
            if left_s <= 0:
                raise RequestTimedOut
            with self._limit(left_s):
                return next(self._pieces)
        except RequestTimedOut:
            self._tell()
            # For the server an error like any other: it ends the connection, or says 500 where it still can.
            raise TimeoutError("the response took too long") from None

    def close(self) -> None:
        """PEP 3333's."""
        close: Any = getattr(self._body, "close", None)
        if close is not None:
            close()
