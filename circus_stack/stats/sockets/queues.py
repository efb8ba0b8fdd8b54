"""How long the accept queues of the arbiter's sockets are: asked of the kernel, without a descriptor of any of them."""

from __future__ import annotations

import logging
import socket
import struct
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from circus_stack.stats.sockets.messages import FAMILIES, DiagError, Queue, parse, request

log = logging.getLogger(__name__)

Fields = Mapping[str, Any]

# sock_diag(7)
_NETLINK_SOCK_DIAG = 4
# The kernel has its answer ready when the question is sent. A tick is not kept longer, whatever is wrong.
_TIMEOUT_S = 0.02
# Where it has refused, it isn't asked at each tick.
_PAUSE_S = 10.0
_BUFFER = 64 * 1024


class QueueReader:
    """Asks for all listening sockets at once. Where the kernel does not answer, that is said once, nothing is known,
    and it is asked again after some seconds: each family by itself, since a kernel may have one without the other."""

    def __init__(
        self, dump: Callable[[int], list[Queue]] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._dump = dump or _dump
        self._clock = clock
        self._is_there = dump is not None or hasattr(socket, "AF_NETLINK")
        # When a family that did not answer is asked again.
        self._refused: dict[int, float] = {}

    def read(self, listed: Iterable[Fields]) -> list[dict[str, Any]]:
        """The sockets of a reply to `listsockets`, each with `queued`, `limit` and `drops` where they are known."""
        sockets = [dict(each) for each in listed]
        for each, family in ((each, family_of(each)) for each in sockets):
            each["family"] = family
        known = {family: self._ask(family) for family in {each["family"] for each in sockets}}
        return [with_queue(each, known[each.pop("family")]) for each in sockets]

    def _ask(self, family: int) -> list[Queue]:
        if not self._is_there or self._refused.get(family, 0.0) > self._clock():
            return []
        try:
            found = self._dump(family)
        except (OSError, DiagError, ValueError, struct.error) as error:
            if family not in self._refused:
                log.warning("no lengths of accept queues: the kernel's sock_diag does not answer: %s", error)
            self._refused[family] = self._clock() + _PAUSE_S
            return []
        self._refused.pop(family, None)
        return found


def family_of(listed: Fields) -> int:
    """The address family of a socket as it is listed."""
    if "path" in listed:
        return FAMILIES[2]
    return FAMILIES[1] if ":" in str(listed.get("host", "")) else FAMILIES[0]


def _dump(family: int) -> list[Queue]:
    found: list[Queue] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as link:
        link.settimeout(_TIMEOUT_S)
        link.send(request(family))
        is_done = False
        while not is_done:
            some, is_done = parse(family, link.recv(_BUFFER))
            found += some
    return found


def with_queue(listed: dict[str, Any], queues: Iterable[Queue]) -> dict[str, Any]:
    """A socket as it is listed, with the queue of whoever has its address; as it is where nobody has."""
    mine = [each for each in queues if _is_of(each, listed)]
    if not mine:
        return listed
    # Of so_reuseport there are several at one address.
    drops = [each.drops for each in mine if each.drops is not None]
    return {
        **listed,
        "queued": sum(each.queued for each in mine),
        "limit": sum(each.limit for each in mine),
        "drops": sum(drops) if drops else None,
    }


def _is_of(queue: Queue, listed: Fields) -> bool:
    if "path" in listed:
        return queue.path == str(listed["path"])
    # The arbiter tells what is bound, never a name; the kernel's address is without the interface of `fe80::1%eth0`.
    return (queue.host, queue.port) == (str(listed.get("host")).partition("%")[0], listed.get("port"))
