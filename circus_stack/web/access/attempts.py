"""How often somebody may try to log in: by address and in sum, so that neither one machine nor many can guess."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable

from msgspec import Struct

from circus_stack.web.access.refusal import RefusedError

WINDOW_S = 300.0
MOST_OF_ADDRESS = 10
MOST_IN_SUM = 200
# Addresses that are remembered; an attacker with more of them meets the limit of the sum.
_MOST_ADDRESSES = 10_000
# Who has a network of IPv6 has 2**64 addresses in it.
_V6_NETWORK = 64


class _Count(Struct):
    failures: int
    since: float


class Attempts:
    """Counts failures. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._by_source: OrderedDict[str, _Count] = OrderedDict()

    def check(self, address: str) -> None:
        """Raises RefusedError, 429, with Retry-After, for one attempt too many."""
        for source, most in (("", MOST_IN_SUM), (source_of(address), MOST_OF_ADDRESS)):
            count = self._current(source)
            if count is not None and count.failures >= most:
                wait = max(1, round(count.since + WINDOW_S - self._clock()))
                raise RefusedError(
                    429, f"too many failed logins; try again in {wait} s", headers={"Retry-After": str(wait)}
                )

    def failed(self, address: str) -> None:
        """Somebody was not let in."""
        for source in ("", source_of(address)):
            count = self._current(source)
            if count is None:
                count = self._by_source[source] = _Count(0, self._clock())
            count.failures += 1
            self._by_source.move_to_end(source)
        while len(self._by_source) > _MOST_ADDRESSES:
            self._by_source.popitem(last=False)

    def succeeded(self, address: str) -> None:
        """A person who mistyped begins anew."""
        self._by_source.pop(source_of(address), None)

    def _current(self, source: str) -> _Count | None:
        count = self._by_source.get(source)
        if count is not None and self._clock() - count.since >= WINDOW_S:
            del self._by_source[source]
            return None
        return count


def source_of(address: str) -> str:
    """Whom an address counts for: itself, or its network of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address or "unknown"
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found) >> _V6_NETWORK << _V6_NETWORK, 128 - _V6_NETWORK)))
