"""The WSGI layer before everything else: it finds out who asks, and turns away what a browser must never be made to
send. What a caller may do is decided by the route; nothing behind this layer looks at cookies or tokens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import msgspec

from circus_stack.errors import CircusStackError
from circus_stack.web.access import audit
from circus_stack.web.access.caller import ENVIRON_KEY, Caller
from circus_stack.web.access.doors import Doors
from circus_stack.web.access.headers import SECURITY_HEADERS, STRICT_TRANSPORT
from circus_stack.web.access.origin import check_host, check_origin, is_own_machine
from circus_stack.web.access.refusal import RefusedError
from circus_stack.web.access.sessions import LIFETIME_S, Session, is_csrf_right

log = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Wsgi = Callable[[Environ, StartResponse], Iterable[bytes]]

SESSION_KEY = "circus_stack.session"
"""Where a WSGI environ has the Session of a browser."""

# What a browser polls with: it says only what it wants to hear.
_UNNOTED = "/socket.io/"
# Of one name: each is looked up.
_MOST_COOKIES = 5
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 413: "Content Too Large"}
_REASONS |= {500: "Internal Server Error", 421: "Misdirected Request", 429: "Too Many Requests"}


class Gatekeeper:
    """`allowed_hosts` are names of this console beside loopback's; `most_body` is in bytes."""

    def __init__(self, inner: Wsgi, doors: Doors, *, allowed_hosts: Iterable[str], most_body: int) -> None:
        self._inner = inner
        self._doors = doors
        self._hosts = frozenset(each.lower() for each in allowed_hosts)
        self._most_body = most_body

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        response = _Response(environ, start_response, self._doors.sessions.cookie_name)
        try:
            self._check(environ, response)
        except RefusedError as error:
            return response.refuse(error)
        except CircusStackError as error:
            # Where its files are is nobody's business who is not in.
            log.error("nobody is let in: %s", error)
            return response.refuse(RefusedError(500, "who may come in cannot be told; the console's log says why"))
        return self._inner(environ, response)

    def _check(self, environ: Environ, response: _Response) -> None:
        check_host(environ, self._hosts)
        if _content_length(environ) > self._most_body:
            raise RefusedError(413, f"a body has {self._most_body} bytes at most")
        caller = self._caller(environ)
        is_change = environ.get("REQUEST_METHOD") not in _SAFE
        if is_change or "HTTP_UPGRADE" in environ:
            # A login, too: nobody is to be logged in as somebody else without knowing.
            check_origin(environ)
        session: Session | None = environ.get(SESSION_KEY)
        if caller is not None and session is not None:
            if is_change and not is_csrf_right(session, str(environ.get("HTTP_X_CSRF_TOKEN", ""))):
                raise RefusedError(403, "the header X-CSRF-Token is missing, or not this session's")
            if "HTTP_UPGRADE" not in environ:
                # The answer to an upgrade has no cookies: the new key would be lost, and the login with the old one.
                response.cookie = self._doors.sessions.renewed(caller)

    def _caller(self, environ: Environ) -> Caller | None:
        """Who asks; put into the environ."""
        # Nobody but us says who it is.
        environ.pop(ENVIRON_KEY, None)
        environ.pop(SESSION_KEY, None)
        # Any other kind is a proxy's, which has asked for a password of its own.
        kind, _, word = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
        found = self._bearer(word.strip()) if kind.lower() == "bearer" else self._browser(environ)
        if found is not None:
            environ[ENVIRON_KEY] = found
        return found

    def _bearer(self, word: str) -> Caller:
        # Attempts are not counted: nobody guesses 256 bits, and who tries must not lock out those of the same address.
        found = self._doors.tokens.caller(word)
        if found is None:
            raise RefusedError(
                401,
                "this token is not known here: circus-stack token add NAME makes one",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return found

    def _browser(self, environ: Environ) -> Caller | None:
        sessions = self._doors.sessions
        cookies = _cookies(str(environ.get("HTTP_COOKIE", "")), sessions.cookie_name)
        found = next(filter(None, map(sessions.find, cookies)), None)
        if found is None:
            return None
        caller, environ[SESSION_KEY] = found
        return caller


class _Response:
    """A start_response that adds what every response has, and notes each change."""

    def __init__(self, environ: Environ, start_response: StartResponse, cookie_name: str) -> None:
        self._environ = environ
        self._start_response = start_response
        self._cookie_name = cookie_name
        self.cookie: str | None = None

    def __call__(self, status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
        given = {name.lower() for name, _ in headers}
        added = [(name, value) for name, value in SECURITY_HEADERS if name.lower() not in given]
        if self._environ.get("wsgi.url_scheme") == "https" and not is_own_machine(self._environ):
            added.append(STRICT_TRANSPORT)
        if self.cookie is not None and "set-cookie" not in given:
            added.append(("Set-Cookie", cookie_header(self._cookie_name, self.cookie, self._environ)))
        if "cache-control" not in given:
            added.append(("Cache-Control", "no-store"))
        self._note(int(status[:3]))
        return self._start_response(status, [*headers, *added], *more)

    def refuse(self, error: RefusedError) -> Iterable[bytes]:
        """A reply in place of what was asked for."""
        body = msgspec.json.encode(error.fields())
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *error.headers.items()]
        self(f"{error.status} {_REASONS.get(error.status, 'Refused')}", headers)
        return [body]

    def _note(self, status: int) -> None:
        environ = self._environ
        if status < 400 and str(environ.get("PATH_INFO", "")).startswith(_UNNOTED):
            return
        # That somebody who is not logged in looks is nothing: each page begins so.
        if environ.get("REQUEST_METHOD") in _SAFE and status not in (403, 421, 429):
            return
        caller: Caller | None = environ.get(ENVIRON_KEY)
        audit.note(
            f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}",
            who="" if caller is None else caller.name,
            address=str(environ.get("REMOTE_ADDR", "")),
            status=status,
            detail=str(environ.get(audit.DETAIL_KEY, "")),
        )


def cookie_header(name: str, value: str, environ: Environ, *, lifetime_s: float = LIFETIME_S) -> str:
    """The Set-Cookie of a session; an empty value with lifetime 0 takes it away."""
    path = f"{environ.get('SCRIPT_NAME', '')}/"
    secure = "; Secure" if environ.get("wsgi.url_scheme") == "https" else ""
    return f"{name}={value}; Path={path}; Max-Age={lifetime_s:.0f}; HttpOnly; SameSite=Strict{secure}"


def _cookies(text: str, name: str) -> Iterable[str]:
    """The values of a cookie: one of another path or domain may bear its name, and stand before it. Whatever else is
    there is other servers' of this host: what they may write is not ours to judge, as http.cookies would, which finds
    nothing behind a word that it dislikes."""
    pairs = (part.strip().partition("=") for part in text.split(";"))
    return islice((value.strip('"') for key, _, value in pairs if key == name), _MOST_COOKIES)


def _content_length(environ: Environ) -> int:
    text = str(environ.get("CONTENT_LENGTH") or "0")
    if not (text.isascii() and text.isdigit()):
        raise RefusedError(400, "Content-Length is no number")
    return int(text)
