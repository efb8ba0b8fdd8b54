"""Which peers are trusted: addresses, networks, `unix` and `*`, as an option lists them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

UNIX = "unix"
ANYBODY = "*"
# Clients choose the addresses that are looked up: remembered are no more than these.
_REMEMBERED = 1024


class Networks:
    """`entries` are addresses, networks as 10.0.0.0/8, `unix` for the peers of unix sockets, `*` for everybody. Raises
    ValueError for one that is none of these."""

    def __init__(self, entries: Iterable[str]) -> None:
        words = tuple(entries)
        self._has_unix = UNIX in words
        self._has_all = ANYBODY in words
        self._networks = [_network(word) for word in words if word not in (UNIX, ANYBODY)]
        self.has = lru_cache(_REMEMBERED)(self._has)

    def _has(self, address: str) -> bool:
        """Whether a peer with this REMOTE_ADDR is one of them; the empty one is that of a unix socket."""
        if self._has_all:
            return True
        if not address:
            return self._has_unix
        found = parse_address(address)
        if found is None:
            return False
        return any(found in network for network in self._networks if network.version == found.version)


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """An address without a port; None for anything else. An IPv4 one that is written as IPv6 is an IPv4 one."""
    if "%" in text:
        # The zone of an IPv6 address may be any text, and means nothing on another machine.
        return None
    try:
        found = ip_address(text)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def _network(word: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(word)
    except ValueError:
        legal = f"no network as 10.0.0.0/8, not {UNIX!r} and not {ANYBODY!r}"
        raise ValueError(f"{word!r} is no address, {legal}") from None
