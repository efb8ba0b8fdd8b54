"""The whole console as one WSGI app: the gatekeeper before everything, then the live channel, the API, the pages.

It is put together here and nowhere else; each part is handed what it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from circus_stack import __version__
from circus_stack.web.access.doors import Doors
from circus_stack.web.access.gatekeeper import Gatekeeper
from circus_stack.web.api.dispatch import make_api
from circus_stack.web.api.document import document_route
from circus_stack.web.api.route import PREFIX, Route
from circus_stack.web.api.session import SessionResource
from circus_stack.web.settings import MOST_BODY, WebSettings

Environ = dict[str, Any]
Wsgi = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def make_app(
    settings: WebSettings, doors: Doors, *, routes: Sequence[Route] = (), mounts: Sequence[tuple[str, Wsgi]] = ()
) -> Wsgi:
    """`routes` are the API's, beside those of the session; `mounts` are other apps by the beginning of their paths, of
    which the first that fits is asked, `/` last."""
    all_routes = [*SessionResource(doors).routes(), *routes]
    api = make_api([*all_routes, document_route(all_routes, __version__)], most_body=MOST_BODY)
    at_root = [(each.path, api) for each in all_routes if not each.prefix]
    inner = _Choice([(PREFIX, api), *at_root, *mounts], otherwise=api)
    keeper = Gatekeeper(inner, doors, allowed_hosts=settings.allowed_hosts, most_body=MOST_BODY)
    return _below(settings.prefix.rstrip("/"), keeper)


class _Choice:
    """Several apps, by the beginning of the path."""

    def __init__(self, mounts: Sequence[tuple[str, Wsgi]], otherwise: Wsgi) -> None:
        self._mounts = mounts
        self._otherwise = otherwise

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        for beginning, app in self._mounts:
            if beginning == "/" or path == beginning or path.startswith(f"{beginning}/"):
                return app(environ, start_response)
        return self._otherwise(environ, start_response)


def _below(prefix: str, app: Wsgi) -> Wsgi:
    """The app below a path that a proxy has left in place; all other paths are not found."""
    if not prefix:
        return app

    def moved(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path == prefix:
            # The addresses in the page are relative: it must be known to lie in a directory.
            where = [("Location", f"{environ.get('SCRIPT_NAME', '')}{prefix}/"), ("Content-Length", "0")]
            start_response("308 Permanent Redirect", where)
            return [b""]
        if not path.startswith(f"{prefix}/"):
            start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return [b""]
        inside = {"SCRIPT_NAME": f"{environ.get('SCRIPT_NAME', '')}{prefix}", "PATH_INFO": path[len(prefix) :]}
        environ.update(inside)
        return app(environ, start_response)

    return moved
