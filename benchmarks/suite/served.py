"""The application that all contestants serve. Copied into the directory of a run.

It imports the standard library alone. A path is a scenario. `app` is WSGI.
"""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

_PIECE = b"0123456789abcdef" * 4096
_PIECES = 160
_ROWS = [{"id": number, "name": f"row {number}", "tags": ["a", "b"], "price": number * 1.25} for number in range(20)]


def hello(_environ: WSGIEnvironment) -> tuple[str, int, Iterable[bytes]]:
    """13 bytes."""
    return "text/plain", 13, [b"Hello, world!"]


def rows(_environ: WSGIEnvironment) -> tuple[str, int, Iterable[bytes]]:
    """Twenty rows, encoded anew for each request."""
    body = json.dumps(_ROWS).encode()
    return "application/json", len(body), [body]


def wait(environ: WSGIEnvironment) -> tuple[str, int, Iterable[bytes]]:
    """20 ms without work, as a question to a database."""
    time.sleep(0.02)
    return hello(environ)


def derive(_environ: WSGIEnvironment) -> tuple[str, int, Iterable[bytes]]:
    """A key derivation, as Mozilla's Token Server made one for each request: milliseconds of work."""
    body = hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 5000).hex().encode()
    return "text/plain", len(body), [body]


def work(environ: WSGIEnvironment) -> tuple[str, int, Iterable[bytes]]:
    """5 ms of work, however fast the processor is."""
    until = time.thread_time() + 0.005
    while time.thread_time() < until:
        pass
    return hello(environ)


def take(environ: WSGIEnvironment) -> tuple[str, int, Iterable[bytes]]:
    """Reads the body, and tells its length."""
    length, stream = 0, environ["wsgi.input"]
    while piece := stream.read(65536):
        length += len(piece)
    body = str(length).encode()
    return "text/plain", len(body), [body]


def stream(_environ: WSGIEnvironment) -> tuple[str, int, Iterable[bytes]]:
    """10 MiB in pieces of 64 KiB."""
    return "application/octet-stream", len(_PIECE) * _PIECES, (_PIECE for _ in range(_PIECES))


_PATHS: dict[str, Callable[[WSGIEnvironment], tuple[str, int, Iterable[bytes]]]] = {
    "/": hello,
    "/json": rows,
    "/wait": wait,
    "/derive": derive,
    "/work": work,
    "/take": take,
    "/stream": stream,
}


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """404 for any other path."""
    answer = _PATHS.get(environ.get("PATH_INFO") or "/")
    if answer is None:
        start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]
    kind, length, body = answer(environ)
    start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(length))])
    return body
