"""From the bytes of a head to the keys and values of a WSGI environ. Nothing is decoded twice that came before.

What is cached is bounded, and keyed by bytes that a client chose: a full cache is emptied, never trimmed.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from chaussette.backends.fastgevent.refusal import RequestRefusedError

_CACHED = 1024
# Longer ones come once.
_CACHED_BYTES = 256
# A header whose name has an underscore would become the same key as one with a hyphen, which a proxy may have set.
DROPPED = ""
_PLAIN = {b"content-type": "CONTENT_TYPE", b"content-length": "CONTENT_LENGTH"}
# RFC 3986's host and port, as far as it matters: nothing that another server could read as a path, a user or a space.
_HOST = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=-]*(?::[0-9]*)?|\[[0-9A-Fa-f:.%A-Za-z_~-]+\](?::[0-9]*)?")

keys: dict[bytes, str] = {}
_targets: dict[bytes, tuple[str, str]] = {}
_hosts: set[str] = set()


def learn_key(name: bytes) -> str:
    """The environ key of a header, remembered in `keys`; DROPPED where it gets none."""
    low = name.lower()
    # And a Proxy header would become HTTP_PROXY, which HTTP clients of the application take for an order.
    if b"_" in low or low == b"proxy":
        key = DROPPED
    else:
        key = _PLAIN.get(low) or "HTTP_" + low.decode("latin-1").upper().replace("-", "_")
    if len(keys) >= _CACHED:
        keys.clear()
    if len(name) <= _CACHED_BYTES:
        keys[name] = key
    return key


def split_target(target: bytes) -> tuple[str, str]:
    """PATH_INFO and QUERY_STRING of a request target in origin form. Raises RequestRefusedError for any other."""
    found = _targets.get(target)
    return _split(target) if found is None else found


def _split(target: bytes) -> tuple[str, str]:
    if target[:1] != b"/":
        raise RequestRefusedError(400, "the request target must be a path")
    if b"#" in target:
        raise RequestRefusedError(400, "the request target has a fragment")
    path, _, query = target.partition(b"?")
    if b"%" in path:
        path = unquote_to_bytes(path)
    split = path.decode("latin-1"), query.decode("latin-1")
    if len(target) <= _CACHED_BYTES:
        if len(_targets) >= _CACHED:
            _targets.clear()
        _targets[target] = split
    return split


def split_absolute(target: bytes) -> tuple[str, bytes]:
    """The authority and the rest of a request target in absolute form, which clients send to proxies.

    Raises RequestRefusedError for any other form.
    """
    scheme, separator, rest = target.partition(b"://")
    if not separator or scheme.lower() not in (b"http", b"https"):
        raise RequestRefusedError(400, "the request target must be a path")
    end = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    authority, path = rest[:end], rest[end:]
    if not authority:
        raise RequestRefusedError(400, "the request target names no host")
    return authority.decode("latin-1"), path if path[:1] == b"/" else b"/" + path


def check_host(host: str) -> None:
    """Raises RequestRefusedError for what is no host with an optional port."""
    if host in _hosts:
        return
    if not _HOST.fullmatch(host):
        raise RequestRefusedError(400, "the Host header is malformed")
    if len(host) <= _CACHED_BYTES:
        if len(_hosts) >= _CACHED:
            _hosts.clear()
        _hosts.add(host)
