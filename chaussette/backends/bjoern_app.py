"""The WSGI layer under bjoern that mends its environ and its responses.

bjoern knows an IPv4 peer only, leaves out what is empty, sends neither Date nor Server, gives a HEAD a body, offers no
`write()`, and passes CR and LF in a header on.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chaussette.backends.response_layer import measured, swallow, with_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]


class Site:
    """The layer. `in_application` is when the call that is running began, in monotonic seconds, else None.

    `is_stopping`: each response says close; bjoern adds its own Keep-Alive, over which a client takes the close.
    """

    def __init__(self, app: WSGIApplication, family: int, environ: dict[str, object], server_header: str) -> None:
        self._app = app
        self._constant = dict(environ)
        if family != socket.AF_INET:
            # bjoern reads any address as if it were one of IPv4.
            self._constant["REMOTE_ADDR"] = ""
        self._server_header = server_header
        self.in_application: float | None = None
        self.is_stopping = False

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        environ.update(self._constant)
        environ.setdefault("QUERY_STRING", "")
        environ.setdefault("PATH_INFO", "")
        self.in_application = time.monotonic()
        try:
            if environ["REQUEST_METHOD"] == "HEAD":
                return self._head(environ, start_response)
            return self._body(environ, start_response)
        finally:
            self.in_application = None

    def _body(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        written: list[bytes] = []

        def start(status: str, headers: Headers, exc_info: Any = None, /) -> Callable[[bytes], object]:
            start_response(status, self._mended(headers), *((exc_info,) if exc_info else ()))
            return written.append

        body = self._app(environ, start)
        return _joined(written, body) if written else body

    def _head(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The head alone. It needs a length: without one bjoern sends the last chunk of an empty body."""
        begun: list[tuple[str, Headers]] = []

        def start(status: str, headers: Headers, _exc_info: Any = None, /) -> Callable[[bytes], object]:
            begun[:] = [(status, headers)]
            return swallow

        length = measured(self._app(environ, start))
        status, headers = begun[0]
        if not any(name.lower() == "content-length" for name, _ in headers):
            headers = [*headers, ("Content-Length", str(length))]
        start_response(status, self._mended(headers))
        return []

    def _mended(self, headers: Headers) -> Headers:
        for name, value in headers:
            if not (name + value).isprintable() and any(each in name + value for each in "\r\n\0"):
                raise ValueError(f"header {name!r} has a line break or a NUL in it")
        mended = with_server(headers, self._server_header)
        if not any(name.lower() == "date" for name, _ in headers):
            mended = [*mended, ("Date", _date(int(time.time())))]
        return [("Connection", "close"), *mended] if self.is_stopping else mended


def _joined(written: list[bytes], body: Iterable[bytes]) -> Iterator[bytes]:
    """What went through `write()`, then the body, which is closed."""
    try:
        yield from written
        yield from body
    finally:
        close: Any = getattr(body, "close", None)
        if close is not None:
            close()


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)
