"""The layer that writes a line a request, and gives each request an id. A stream is logged when it is closed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from chaussette.layers.access_format import Entry, Line
from chaussette.scoreboard.counting import followed, length_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_ID = "HTTP_X_REQUEST_ID"
# What other programs make of ids: UUIDs, hexadecimal numbers, Base64, W3C trace contexts.
_ID_FORM = re.compile(r"[A-Za-z0-9._~+/=:@-]{1,128}")
_START = "HTTP_X_REQUEST_START"
_START_FORM = re.compile(r"(?:t=)?([0-9]{10,16}(?:\.[0-9]{1,9})?)")
# A request that has waited longer than this has not: a clock is wrong.
_MOST_QUEUED_S = 3600.0


def logged(app: WSGIApplication, line: Line, write: Callable[[str], None]) -> WSGIApplication:
    """`app`, each request of which is told to `write` as `line` makes it.

    HTTP_X_REQUEST_ID of the environ is a legal id then: the one that came with the request, or a new one.
    """

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began, now = time.monotonic(), time.time()
        request_id = environ.get(_ID, "")
        if not _ID_FORM.fullmatch(request_id):
            # From the system: after a fork, a generator of this process would make the same ids in all workers.
            request_id = environ[_ID] = os.urandom(16).hex()
        queued_s = queued_for(environ.get(_START, ""), now)
        status = ""
        headers: list[tuple[str, str]] | None = None

        def start(first: str, fields: list[tuple[str, str]], exc_info: Any = None, /) -> Callable[[bytes], object]:
            nonlocal status, headers
            sender = start_response(first, fields) if exc_info is None else start_response(first, fields, exc_info)
            status, headers = first, fields
            return sender

        def finish(sent: int) -> None:
            size = sent if sent >= 0 else length_of(headers)
            size = 0 if environ["REQUEST_METHOD"] == "HEAD" else size
            took_s = time.monotonic() - began
            write(line(Entry(environ, status, size, now + took_s, took_s, queued_s, request_id, os.getpid())))

        try:
            result = app(environ, start)
        except BaseException:
            status = status or "500"
            finish(0)
            raise
        if isinstance(result, (list, tuple)):
            finish(sum(len(each) for each in result if isinstance(each, bytes)))
            return result
        return followed(result, environ, finish)

    return serve


def queued_for(text: str, now: float) -> float | None:
    """Seconds from X-Request-Start (`t=` may stand before it; seconds, milli- or microseconds since the epoch) to
    `now`; None for what is no time of the last hour."""
    match = _START_FORM.fullmatch(text)
    if match is None:
        return None
    number = float(match[1])
    for scale in (1.0, 1e3, 1e6):
        queued_s = now - number / scale
        if abs(queued_s) <= _MOST_QUEUED_S:
            # Another machine's clock may be a little ahead.
            return max(0.0, queued_s)
    return None
