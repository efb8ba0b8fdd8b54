"""From which site a request comes, and for which name it was meant. Pure.

A page of another site can send requests to a console on this machine, by its address or by a name that the site's own
server points here. Neither gets through: the name must be one of ours, and the site the same as the name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from circus_stack.web.access.refusal import RefusedError

_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost", "ip6-loopback"})


def check_host(environ: Mapping[str, Any], allowed: Collection[str]) -> None:
    """Raises RefusedError, 421, for a name that is not this console's: an address, a name of loopback, or one of
    `allowed` (small letters, without port)."""
    host = host_name(str(environ.get("HTTP_HOST", "")))
    if not host or (host not in allowed and host not in _LOOPBACK_NAMES and not _is_address(host)):
        raise RefusedError(421, f"{host[:200]!r} is no name of this console: name it with --allowed-host")


def check_origin(environ: Mapping[str, Any]) -> None:
    """Raises RefusedError, 403, for a request that a browser sends for a page of another site."""
    site = str(environ.get("HTTP_SEC_FETCH_SITE", ""))
    if site not in ("", "same-origin", "none"):
        raise RefusedError(403, "a page of another site may not do this")
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and not is_same_origin(str(origin), environ):
        raise RefusedError(403, "a page of another site may not do this")


def is_same_origin(origin: str, environ: Mapping[str, Any]) -> bool:
    """Whether an Origin header names the scheme, host and port that the request was sent to."""
    return origin.lower() == f"{environ.get('wsgi.url_scheme', 'http')}://{environ.get('HTTP_HOST', '')}".lower()


def host_name(text: str) -> str:
    """The name in a Host header, in small letters, without port and brackets; empty for what is none."""
    try:
        return urlsplit(f"//{text}").hostname or ""
    except ValueError:
        return ""


def is_own_machine(environ: Mapping[str, Any]) -> bool:
    """Whether a request names this machine as every machine calls itself: what a browser is told to remember of that
    name holds for all servers there."""
    return host_name(str(environ.get("HTTP_HOST", ""))) in _LOOPBACK_NAMES


def is_loopback_host(host: str) -> bool:
    """Whether only this machine reaches what listens on a host."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() in _LOOPBACK_NAMES


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
