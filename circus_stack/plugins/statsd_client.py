"""Figures to a statsd server: one UDP datagram each, never waited for. What is counted is its caller's affair."""

from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

# What has a meaning of its own in a datagram: "bucket:value|type|@rate", several to a line each.
_RESERVED = re.compile(r"[:|@\s]")
# How long an address is used before its name is looked up again.
_ADDRESS_TTL_S = 300.0

_Address = tuple[socket.AddressFamily, tuple[object, ...]]


class StatsdClient:
    """Sends `prefix.bucket`. A server that is not there costs a warning, told once until one datagram goes out."""

    def __init__(
        self,
        host: str = "localhost",
        port: int = 8125,
        prefix: str = "",
        sample_rate: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host, self.port, self.prefix, self.sample_rate = host, int(port), prefix, sample_rate
        self._clock = clock
        self._sockets: dict[socket.AddressFamily, socket.socket] = {}
        self._address: _Address | None = None
        self._looked_up_at = 0.0
        self._has_failed = False

    def increment(self, bucket: str, delta: int = 1) -> None:
        """Count `delta` more."""
        self.send(bucket, f"{delta:d}|c")

    def decrement(self, bucket: str, delta: int = 1) -> None:
        """Count less, whatever the sign of `delta`."""
        self.increment(bucket, -abs(delta))

    def gauge(self, bucket: str, value: float) -> None:
        """A level; statsd would take a sign for a difference, so that a negative one is set from 0."""
        if value < 0:
            self.send(bucket, "0|g")
        self.send(bucket, f"{value}|g")

    def timed(self, bucket: str, value: float) -> None:
        """Milliseconds that something took."""
        self.send(bucket, f"{value}|ms")

    def send(self, bucket: str, value: str, sample_rate: float | None = None) -> None:
        """One datagram. Characters of the bucket that statsd would misread become `_`."""
        rate = sample_rate or self.sample_rate
        name = _RESERVED.sub("_", f"{self.prefix}.{bucket}" if self.prefix else bucket)
        suffix = "" if rate == 1 else f"|@{rate:g}"
        try:
            self._send(f"{name}:{value}{suffix}".encode())
        except OSError as error:
            self._address = None
            if not self._has_failed:
                log.warning("nothing reaches statsd at %s:%s: %s", self.host, self.port, error)
            self._has_failed = True
        else:
            self._has_failed = False

    def _send(self, data: bytes) -> None:
        family, address = self._find_address()
        if family not in self._sockets:
            self._sockets[family] = sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.setblocking(False)
        self._sockets[family].sendto(data, address)

    def _find_address(self) -> _Address:
        now = self._clock()
        if self._address is None or now - self._looked_up_at > _ADDRESS_TTL_S:
            family, *_, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[0]
            self._address, self._looked_up_at = (family, address), now
        return self._address

    def stop(self) -> None:
        """Close the sockets. Safe to call twice."""
        for sock in self._sockets.values():
            sock.close()
        self._sockets.clear()
