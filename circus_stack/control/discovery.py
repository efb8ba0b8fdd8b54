"""Answers who looks for an arbiter by multicast: any datagram is answered with `{"endpoint": ...}`, as Circus does.

Off unless it is asked for. A datagram is anybody's: its content is not looked at, and answers are bounded in number, so
that nobody is flooded by us in another's name.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from circus_stack.errors import SocketError
from circus_stack.protocol.codec import encode

log = logging.getLogger(__name__)

# Nobody looks more often; what comes beyond it in a second is not answered.
MAX_ANSWERS_A_SECOND = 20
_BATCH = 16
_EXAMPLE = "udp://237.219.251.97:12027"


def parse_multicast(endpoint: str) -> tuple[str, int]:
    """`udp://GROUP:PORT` -> group and port. Raises SocketError."""
    try:
        parts = urlsplit(endpoint)
        group, port = parts.hostname or "", parts.port
        is_group = socket.inet_aton(group)[0] & 0xF0 == 0xE0
    except (ValueError, OSError):
        is_group, port, group, parts = False, None, "", urlsplit("")
    if parts.scheme != "udp" or not is_group or not port:
        raise SocketError(f"multicast_endpoint {endpoint!r} is not udp://GROUP:PORT, as in {_EXAMPLE}")
    return group, port


class Discovery:
    """Listens on a multicast group. `endpoint` gives what to answer with."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        multicast_endpoint: str,
        endpoint: Callable[[], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._loop = loop
        self._endpoint = endpoint
        self._clock = clock
        self._second, self._answers = 0.0, 0
        self._socket = _listen(*parse_multicast(multicast_endpoint), multicast_endpoint)
        loop.add_reader(self._socket.fileno(), self._read)

    def _read(self) -> None:
        for _ in range(_BATCH):
            try:
                _data, sender = self._socket.recvfrom(1)
            except OSError:
                return
            if self._may_answer():
                # An answer that cannot be sent is lost, as datagrams are.
                with contextlib.suppress(OSError):
                    self._socket.sendto(encode({"endpoint": self._endpoint()}), sender)

    def _may_answer(self) -> bool:
        now = self._clock()
        if now - self._second >= 1:
            self._second, self._answers = now, 0
        self._answers += 1
        return self._answers <= MAX_ANSWERS_A_SECOND

    def close(self) -> None:
        """Answer no more. Safe to call twice."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()


def _listen(group: str, port: int, endpoint: str) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        # Several arbiters of one machine answer, each for itself.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((group, port))
        _join(listening, group)
    except OSError as error:
        listening.close()
        raise SocketError(f"cannot listen at multicast_endpoint {endpoint}: {error.strerror or error}") from None
    return listening


def _join(listening: socket.socket, group: str) -> None:
    """Join on the interface of the default route and on the loopback; one of them is enough."""
    failures = []
    for interface in ("0.0.0.0", "127.0.0.1"):
        try:
            request = socket.inet_aton(group) + socket.inet_aton(interface)
            listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
        except OSError as error:
            failures.append(error)
    if len(failures) == 2:
        raise failures[0]
