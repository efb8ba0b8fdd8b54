"""The layer that believes trusted proxies, and nobody else, who the client is and what it asked for.

Headers of these kinds that no trusted proxy has vouched for are removed: the application, or a library in it, might
believe them. What a trusted proxy sends and makes no sense is left aside, never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaussette.layers.forwarded import node_of, parse_forwarded
from chaussette.layers.networks import Networks, parse_address
from chaussette.layers.proxy_headers import FOR, FORWARDED, HEADERS, HOST, PORT, PREFIX, PROTO

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_KEYS = {name: "HTTP_" + name.upper().replace("-", "_") for name in HEADERS}
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_HOST_FORM = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?")
_PREFIX_FORM = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)*/?")
_ADDRESS_FORM = re.compile(r"\[(?P<v6>[0-9A-Fa-f:.]+)\](?::(?P<p6>[0-9]{1,5}))?|(?P<v4>[0-9.]+):(?P<p4>[0-9]{1,5})")
# More proxies than any request passes; each costs a look.
_MOST_HOPS = 64


@dataclass(frozen=True, slots=True)
class Claim:
    """What trusted proxies say of a request; empty texts for what they don't. `address` stays the peer's own where they
    name nobody."""

    address: str
    port: str = ""
    scheme: str = ""
    host: str = ""
    host_port: str = ""
    prefix: str = ""


def behind_proxies(app: WSGIApplication, trusted: Networks, headers: Iterable[str]) -> WSGIApplication:
    """`app`, with what the peers in `trusted` say in `headers`, some of `HEADERS`, put into its environ."""
    believed = frozenset(headers)
    unbelieved = tuple(key for name, key in _KEYS.items() if name not in believed)

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        peer = environ.get("REMOTE_ADDR", "")
        if trusted.has(peer):
            for key in unbelieved:
                environ.pop(key, None)
            apply(environ, claim_of(environ, peer, trusted, believed))
        else:
            for key in _KEYS.values():
                environ.pop(key, None)
        return app(environ, start_response)

    return serve


def claim_of(environ: WSGIEnvironment, peer: str, trusted: Networks, believed: frozenset[str]) -> Claim:
    """What the believed headers of a request from the trusted `peer` say."""
    if FORWARDED in believed:
        return _forwarded(environ.get(_KEYS[FORWARDED], ""), peer, trusted)

    def listed(name: str) -> list[str]:
        text: str = environ.get(_KEYS[name], "") if name in believed else ""
        return [each.strip() for each in text.split(",")] if text else []

    address, port, hops = _walk(listed(FOR), peer, trusted)
    host, host_port = _host(_at(listed(HOST), hops))
    told_port = _at(listed(PORT), hops)
    return Claim(
        address,
        port,
        scheme=_SCHEMES.get(_at(listed(PROTO), hops).lower(), ""),
        host=host,
        host_port=told_port if _is_port(told_port) else host_port,
        prefix=_prefix(_at(listed(PREFIX), hops)),
    )


def apply(environ: WSGIEnvironment, claim: Claim) -> None:
    """Put a claim into the environ."""
    if claim.address != environ.get("REMOTE_ADDR"):
        environ["REMOTE_ADDR"] = claim.address
        environ.pop("REMOTE_HOST", None)
        environ.pop("REMOTE_PORT", None)
        if claim.port:
            environ["REMOTE_PORT"] = claim.port
    if claim.scheme:
        environ["wsgi.url_scheme"] = claim.scheme
    if claim.host or claim.host_port:
        _apply_host(environ, claim)
    elif claim.scheme:
        environ["SERVER_PORT"] = _host(environ.get("HTTP_HOST", ""))[1] or _DEFAULT_PORTS[claim.scheme]
    if claim.prefix:
        environ["SCRIPT_NAME"] = claim.prefix + environ.get("SCRIPT_NAME", "")


def _apply_host(environ: WSGIEnvironment, claim: Claim) -> None:
    name = claim.host or _host(environ.get("HTTP_HOST", ""))[0] or environ["SERVER_NAME"]
    default = _DEFAULT_PORTS[environ["wsgi.url_scheme"]]
    port = claim.host_port or default
    environ["HTTP_HOST"] = name if port == default else f"{name}:{port}"
    environ["SERVER_NAME"] = name.strip("[]")
    environ["SERVER_PORT"] = port


def _walk(entries: Sequence[str], peer: str, trusted: Networks) -> tuple[str, str, int]:
    """(address, port) of the last one that a trusted proxy has named, and how many proxies were trusted."""
    address, port, hops = peer, "", 1
    for entry in reversed(entries[-_MOST_HOPS:]):
        found = _address(entry)
        if found is None:
            break
        address, port = found
        if not trusted.has(address):
            break
        hops += 1
    return address, port, hops


def _forwarded(text: str, peer: str, trusted: Networks) -> Claim:
    elements = parse_forwarded(text) if text else None
    claim = Claim(peer)
    for element in reversed(elements or ()):
        node = node_of(element.get("for", ""))
        known = None if node is None or parse_address(node[0]) is None else node
        host, host_port = _host(element.get("host", ""))
        address, port = known or (claim.address, claim.port)
        claim = Claim(address, port, _SCHEMES.get(element.get("proto", "").lower(), ""), host, host_port)
        if known is None or not trusted.has(address):
            break
    return claim


def _address(entry: str) -> tuple[str, str] | None:
    """(address, port) of an entry of X-Forwarded-For; None for what is no address."""
    if parse_address(entry) is not None:
        return entry, ""
    match = _ADDRESS_FORM.fullmatch(entry)
    if match is None or parse_address(match["v6"] or match["v4"]) is None:
        return None
    return match["v6"] or match["v4"], match["p6"] or match["p4"] or ""


def _at(values: Sequence[str], hops: int) -> str:
    """What the outermost trusted proxy has said: each adds one at the end, or the first one alone says it."""
    return values[-min(hops, len(values))] if values else ""


def _host(text: str) -> tuple[str, str]:
    """(name, port) of a host; empty texts for what is none."""
    match = _HOST_FORM.fullmatch(text)
    if match is None or (match["port"] and not _is_port(match["port"])):
        return "", ""
    return match["name"], match["port"] or ""


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and 0 < int(text) <= 65535


def _prefix(text: str) -> str:
    """A path that SCRIPT_NAME may begin with; empty for what could lead elsewhere."""
    if not text or not _PREFIX_FORM.fullmatch(text) or ".." in text.split("/") or "." in text.split("/"):
        return ""
    return text.rstrip("/")
