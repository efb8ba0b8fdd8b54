"""The page of the console: files that vite has built, read once and kept in memory. Nothing here is secret, and nothing
here knows the stack; what the page shows it asks of the API.

A request names one of the files that were found at the start, or gets nothing: no path is ever put together from it.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

STATIC = Path(__file__).parent / "static"
"""Where `tools/frontend` and the build of a wheel leave it."""

NOT_BUILT = (
    "The pages of this console were not built, for want of npm: run tools/frontend, and restart circushttpd. "
    "The API at api/v1 works without them.\n"
)

_INDEX = "/index.html"
# vite writes a hash of the content into the names of all that it puts there.
_HASHED = "/assets/"
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"
# Below a packet it is not worth it.
_LEAST_COMPRESSED = 1024
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

StartResponse = Callable[..., Any]


class Page(Struct, frozen=True):
    """A file as it is sent; `compressed` is None where that saves nothing."""

    content: bytes
    compressed: bytes | None
    media: str
    etag: str
    cache: str


class Pages:
    """A WSGI app of the files below `directory`, which may be missing."""

    def __init__(self, directory: Path) -> None:
        self._pages = read_pages(directory)

    def __call__(self, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", "")) or "/"
        method = environ.get("REQUEST_METHOD")
        if method not in ("GET", "HEAD"):
            return _say(start_response, "405 Method Not Allowed", "This is a page.\n", [("Allow", "GET, HEAD")])
        if path == "/" and _INDEX not in self._pages:
            return _say(start_response, "503 Service Unavailable", NOT_BUILT)
        page = self._pages.get(_INDEX if path == "/" else path)
        if page is None:
            return _say(start_response, "404 Not Found", "There is nothing at this address.\n")
        return _send(page, environ, start_response)


def read_pages(directory: Path) -> dict[str, Page]:
    """The files below a directory, by the path at which they are asked for; those of types that a page has."""
    found = (each for each in sorted(directory.rglob("*")) if each.suffix in _TYPES and each.is_file())
    return {f"/{each.relative_to(directory).as_posix()}": _read(each, directory) for each in found}


def _read(file: Path, directory: Path) -> Page:
    content = file.read_bytes()
    path = f"/{file.relative_to(directory).as_posix()}"
    return Page(
        content=content,
        compressed=gzip.compress(content, mtime=0) if len(content) >= _LEAST_COMPRESSED else None,
        media=_TYPES[file.suffix],
        etag=f'"{hashlib.sha256(content).hexdigest()[:24]}"',
        cache=_FOR_EVER if path.startswith(_HASHED) else _ASK_AGAIN,
    )


def _send(page: Page, environ: Mapping[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    headers = [("ETag", page.etag), ("Cache-Control", page.cache), ("Vary", "Accept-Encoding")]
    if page.etag in str(environ.get("HTTP_IF_NONE_MATCH", "")):
        start_response("304 Not Modified", headers)
        return []
    body = page.content
    if page.compressed is not None and _takes_gzip(str(environ.get("HTTP_ACCEPT_ENCODING", ""))):
        body = page.compressed
        headers.append(("Content-Encoding", "gzip"))
    start_response("200 OK", [*headers, ("Content-Type", page.media), ("Content-Length", str(len(body)))])
    return [] if environ.get("REQUEST_METHOD") == "HEAD" else [body]


def _takes_gzip(accepted: str) -> bool:
    for each in accepted.split(","):
        name, _, weight = each.strip().lower().partition(";")
        if name.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def _say(
    start_response: StartResponse, status: str, text: str, headers: Iterable[tuple[str, str]] = ()
) -> Iterable[bytes]:
    body = text.encode()
    kind = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
    start_response(status, [*kind, *headers])
    return [body]
