"""What a zygote and its supervisor say to each other: messages to bytes and back. No sockets, nothing else in here.

They speak over a SOCK_SEQPACKET pair, whose one end the zygote inherits; CHAUSSETTE_ZYGOTE in its environment is the
number. A message is one packet of JSON. The zygote says `ready` or `refused` once, when it has loaded the application;
after that each `fork` is answered by one `forked` of the same number: an answer that nobody waits for any more must not
be taken for that to the next request. A `fork` has descriptors beside it (SCM_RIGHTS), which its births
name by their place in that list. End of file ends the zygote; workers that it has forked go on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chaussette.zygote import CONTROL_VARIABLE as CONTROL_VARIABLE

# SCM_MAX_FD of the kernel, include/net/scm.h.
MOST_FDS = 253
# A packet has to fit into the socket's buffer, of which the kernel counts more than the bytes: net.core.wmem_default is
# 212,992.
MOST_BYTES = 96 * 1024


@dataclass(frozen=True)
class Birth:
    """One worker to be. `argv` is its whole command line, `changes` are the variables in which its environment differs
    from the zygote's (None: it has no such variable), `fds` its number of a descriptor -> the place of ours in the
    list: 0, 1 and 2 among them. The worker waits until it reads a byte from the one at the place `gate`; where that
    ends without one, so does the worker."""

    argv: tuple[str, ...]
    changes: Mapping[str, str | None]
    fds: Mapping[int, int]
    gate: int


@dataclass(frozen=True)
class Fork:
    """Asks for workers; `number` is that of the request."""

    births: tuple[Birth, ...]
    number: int = 0


@dataclass(frozen=True)
class Ready:
    """The application is loaded, and warm. `took_s`: how long that took."""

    took_s: float = 0.0


@dataclass(frozen=True)
class Refused:
    """There will be no workers: why, in one text. The zygote ends."""

    reason: str


@dataclass(frozen=True)
class Forked:
    """The workers, in the order of the births; they are children of the supervisor, where that adopts orphans, by now.
    Where there are fewer, `errno` says what stopped the next: EMFILE, that the zygote could not take their descriptors.
    `number`: which request this answers."""

    pids: tuple[int, ...] = field(default=())
    errno: int = 0
    number: int = 0


Report = Ready | Refused | Forked


def encode_fork(fork: Fork) -> bytes:
    """As it is sent."""
    births = [[list(each.argv), dict(each.changes), sorted(each.fds.items()), each.gate] for each in fork.births]
    return json.dumps({"fork": births, "number": fork.number}, separators=(",", ":")).encode("utf-8", "surrogateescape")


def decode_fork(data: bytes) -> Fork:
    """Raises ValueError for what is none."""
    try:
        body = json.loads(data.decode("utf-8", "surrogateescape"))
        return Fork(tuple(_birth(*each) for each in body["fork"]), int(body["number"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"no request of a supervisor: {error!r}") from error


def encode_report(report: Report) -> bytes:
    """As it is sent."""
    body: dict[str, Any]
    match report:
        case Ready(took_s):
            body = {"ready": took_s}
        case Refused(reason):
            body = {"refused": reason[: MOST_BYTES // 8]}
        case Forked(pids, errno, number):
            body = {"forked": list(pids), "errno": errno, "number": number}
    return json.dumps(body).encode("utf-8", "surrogateescape")


def decode_report(data: bytes) -> Report:
    """Raises ValueError for what is none: the application has the zygote's end of the channel, too."""
    try:
        body = json.loads(data.decode("utf-8", "surrogateescape"))
        if "ready" in body:
            return Ready(float(body["ready"]))
        if "refused" in body:
            return Refused(str(body["refused"]))
        return Forked(_pids(body["forked"]), int(body["errno"]), int(body["number"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"no report of a zygote: {error!r}") from error


def _pids(found: Sequence[object]) -> tuple[int, ...]:
    if not all(type(each) is int and each > 1 for each in found):
        raise ValueError("no report of a zygote: these are no pids")
    return tuple(each for each in found if isinstance(each, int))


def _birth(argv: Sequence[str], changes: Mapping[str, str | None], fds: Sequence[Sequence[int]], gate: int) -> Birth:
    return Birth(tuple(argv), changes, {int(number): int(place) for number, place in fds}, int(gate))
