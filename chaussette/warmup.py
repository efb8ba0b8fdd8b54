"""Requests that run through the application in this process, before it serves: `--warmup`.

They fill what is filled by first requests: templates, compiled patterns, routes, imports inside of functions.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from chaussette.application import own_traceback
from chaussette.errors import AppLoadError

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

log = logging.getLogger("chaussette")


def warm_up(app: WSGIApplication, paths: Iterable[str]) -> None:
    """GET each path, the whole of its response. Raises AppLoadError where the application raises, or answers with 5xx;
    what else is no success is logged."""
    for path in paths:
        status = _get(app, path)
        if status.startswith("5"):
            raise AppLoadError(f"warm-up: GET {path} was answered with {status}")
        if status.startswith("4"):
            log.warning("Warm-up: GET %s was answered with %s", path, status)


def _get(app: WSGIApplication, path: str) -> str:
    statuses: list[str] = []

    def start_response(status: str, _headers: Sequence[Any], exc_info: Any = None) -> Callable[[bytes], object]:
        if exc_info and statuses:
            raise exc_info[1].with_traceback(exc_info[2])
        statuses.append(status)
        return lambda _data: None

    try:
        body = app(_environ(path), start_response)
        try:
            for _ in body:
                pass
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
    except Exception as error:
        raise AppLoadError(
            f"warm-up: GET {path} raised {type(error).__name__}: {error}", own_traceback(error)
        ) from error
    if not statuses:
        raise AppLoadError(f"warm-up: GET {path} was not answered: start_response was not called")
    return statuses[-1]


def _environ(target: str) -> WSGIEnvironment:
    path, _, query = target.partition("?")
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_USER_AGENT": "chaussette-warmup",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
