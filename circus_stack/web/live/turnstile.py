"""The WSGI layer of the live channel: who may open a connection, and that nobody speaks on somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from circus_stack.web.access.caller import ENVIRON_KEY, Caller
from circus_stack.web.access.gatekeeper import SESSION_KEY
from circus_stack.web.access.origin import check_origin
from circus_stack.web.access.refusal import RefusedError

# Those too that have not said anything yet.
MOST_CONNECTIONS = 200
MOST_OF_LOGIN = 20

Environ = dict[str, Any]


class Turnstile:
    """`logins` tells of each open connection, by its id, whose it is."""

    def __init__(self, inner: Callable[..., Iterable[bytes]], logins: Callable[[], dict[str, str]]) -> None:
        self._inner = inner
        self._logins = logins

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            self._check(environ)
        except RefusedError as error:
            body = error.reason.encode()
            headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
            start_response(f"{error.status} Refused", headers)
            return [body]
        return self._inner(environ, start_response)

    def _check(self, environ: Environ) -> None:
        caller: Caller | None = environ.get(ENVIRON_KEY)
        if caller is None:
            raise RefusedError(401, "log in first")
        check_origin(environ)
        logins, login = self._logins(), login_of(environ)
        asked = parse_qs(str(environ.get("QUERY_STRING", ""))).get("sid")
        if asked is not None:
            if logins.get(asked[0]) not in (None, login):
                raise RefusedError(403, "this connection is somebody else's")
        elif len(logins) >= MOST_CONNECTIONS or list(logins.values()).count(login) >= MOST_OF_LOGIN:
            raise RefusedError(429, "too many connections are open: close other pages")


def login_of(environ: Environ) -> str:
    """Which login a request belongs to: that of a session stays the same while its key changes."""
    caller: Caller = environ[ENVIRON_KEY]
    session = environ.get(SESSION_KEY)
    return f"token {caller.name}" if session is None else f"session {session.csrf}"
