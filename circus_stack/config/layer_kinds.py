"""How the options of the layers around an application are read: proxies, access log, health. Pure.

chaussette has the same rules for its command line, and is not imported here; a test holds the two together.
"""

from __future__ import annotations

import re
from ipaddress import ip_network

from circus_stack.config.option import Kind

HEADERS = (
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "forwarded",
)
FIELDS = (
    "remote_addr", "user", "time", "method", "scheme", "host", "target", "protocol", "status", "bytes", "referer",
    "user_agent", "duration_ms", "queue_ms", "request_id", "pid",
)  # fmt: skip
_FIELD = re.compile(r"\{([a-z_]+|header:[A-Za-z0-9-]+)\}")


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _networks(text: str) -> str:
    for word in _words(text):
        if word not in ("unix", "*"):
            ip_network(word)
    return ",".join(_words(text))


def _headers(text: str) -> str:
    words = _words(text.lower())
    if not set(words) <= set(HEADERS) or ("forwarded" in words and len(words) > 1):
        raise ValueError(text)
    return ",".join(words)


def _format(text: str) -> str:
    pieces = _FIELD.split(text)
    known = all(each in FIELDS or each.startswith("header:") for each in pieces[1::2])
    between = "".join(pieces[::2])
    if (
        not known
        or "{" in between
        or "}" in between
        or not between.replace("\t", "").isprintable()
        or not text.isascii()
    ):
        raise ValueError(text)
    return text


def _path(text: str) -> str:
    if text and not re.fullmatch(r"/[!-~]*", text):
        raise ValueError(text)
    return text


NETWORKS = Kind("list of networks", _networks, "addresses, networks as 10.0.0.0/8, unix, or * for everybody")
PROXY_HEADERS = Kind("list of headers", _headers, f"some of {', '.join(HEADERS[:-1])}; or forwarded, and no other")
LOG_FORMAT = Kind(
    "format of a log line", _format, f"combined, json, or a text with {{field}}: {', '.join(FIELDS)}, header:NAME"
)
URL_PATH = Kind("path", _path, "a path that begins with / and has no blanks")
