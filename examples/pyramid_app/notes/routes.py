"""The URLs of the app and what every response has in common: limits on requests, security headers, assets."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyramid.httpexceptions import HTTPLengthRequired, HTTPRequestEntityTooLarge, HTTPUnsupportedMediaType
from pyramid.static import QueryStringConstantCacheBuster
from pyramid.tweens import EXCVIEW

STATIC = Path(__file__).parent / "static"
STATIC_AGE_S = 7 * 24 * 3600
# The longest note is 500 characters of at most 12 bytes once a form has quoted them; the rest is slack.
BODY_LIMIT = 16 * 1024

HEADERS = {
    # The page brings all that it shows; nothing may be loaded from elsewhere, framed, or run inline.
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def includeme(config: Any) -> None:
    """Pyramid calls this by name."""
    config.add_route("board", "/")
    config.add_route("notes.json", "/notes.json")
    config.add_route("search.json", "/search.json")
    config.add_route("health.json", "/health.json")
    config.add_static_view("static", "notes:static", cache_max_age=STATIC_AGE_S)
    config.add_cache_buster("notes:static", QueryStringConstantCacheBuster(_version_of_assets()))
    config.add_tween("notes.routes.limits_tween", under=EXCVIEW)
    config.add_subscriber("notes.routes.add_headers", "pyramid.events.NewResponse")
    config.scan("notes.page")
    config.scan("notes.api")
    config.scan("notes.problems")


def limits_tween(handler: Callable[[Any], Any], _registry: Any) -> Callable[[Any], Any]:
    """Refuse a body that is too long, doesn't say how long it is, or is no UTF-8, before anything reads it."""

    def limited(request: Any) -> Any:
        if request.method in ("GET", "HEAD", "OPTIONS"):
            return handler(request)
        if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
            raise HTTPUnsupportedMediaType(f"Send UTF-8, not {request.charset}.")
        if request.content_length is None:
            raise HTTPLengthRequired("Send the length of the body, in a Content-Length header.")
        if request.content_length > BODY_LIMIT:
            raise HTTPRequestEntityTooLarge(f"The body has {request.content_length} bytes: the limit is {BODY_LIMIT}.")
        return handler(request)

    return limited


def add_headers(event: Any) -> None:
    """Security headers on everything; only assets may be kept by a browser."""
    event.response.headers.update(HEADERS)
    # The raw path: a path that is no UTF-8 has to be answered too.
    if not event.request.environ.get("PATH_INFO", "").startswith("/static/"):
        event.response.headers["Cache-Control"] = "no-store"


def _version_of_assets() -> str:
    """A short hash of every asset, so that a browser asks again after one has changed, and only then."""
    digest = hashlib.sha256()
    for asset in sorted(STATIC.iterdir()):
        digest.update(asset.read_bytes())
    return digest.hexdigest()[:12]
