"""The head of an HTTP request, as far as a page of metrics has use of it. Bytes in, a request out. Pure and strict."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

# What a scraper sends has some hundred bytes.
MAX_HEAD = 16 * 1024


@dataclass(frozen=True, slots=True)
class Head:
    """Method, path without its query, and headers by their names in lower case; of a repeated one the last."""

    method: str
    path: str
    headers: Mapping[str, str]


def parse_head(data: bytes) -> Head:
    """Read a head up to its empty line. Raises ValueError for what is none."""
    request_line, *lines = data.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    words = request_line.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1.") or not words[1].startswith("/"):
        raise ValueError("no request line")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise ValueError("no header")
        headers[name.lower()] = value.strip()
    return Head(words[0], words[1].partition("?")[0], headers)


def is_allowed(head: Head, token: str | None) -> bool:
    """Whether a request shows the token, as `Authorization: Bearer TOKEN`; without a token everybody may."""
    if token is None:
        return True
    scheme, _, shown = head.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(shown.strip().encode(), token.encode())
