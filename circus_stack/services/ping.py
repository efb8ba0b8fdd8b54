"""Asks one service whether it answers: a program of its own, run as `python -I -S ping.py KIND ADDRESS [PIDFILE]`.

Imports next to nothing, since the arbiter runs it again and again until it succeeds. ADDRESS is `unix:PATH` or
`tcp:HOST:PORT`. Exit 0: it serves. Exit 1: it doesn't, and stderr says why.
"""

from __future__ import annotations

import sys

# `socket` would double the time this takes (46 ms against 22 ms): it pulls in selectors, enum, re and more.
from _socket import AF_UNIX, SOCK_STREAM, getaddrinfo, socket

# A server that is up answers in microseconds; one that is stuck should be asked again.
_TIMEOUT_S = 2.0
_LONGEST_REPLY = 65536


class NotServingError(Exception):
    """The service was reached, or not, and doesn't serve; the text says why."""


def connect(address: str) -> socket:
    """A connected socket to `unix:PATH` or `tcp:HOST:PORT`; raises OSError."""
    form, _, target = address.partition(":")
    if form == "unix":
        sock = socket(AF_UNIX, SOCK_STREAM)
        sock.settimeout(_TIMEOUT_S)
        sock.connect(target)
        return sock
    host, _, port = target.rpartition(":")
    family, _, _, _, place = getaddrinfo(host.strip("[]"), port, 0, SOCK_STREAM)[0]
    sock = socket(family, SOCK_STREAM)
    sock.settimeout(_TIMEOUT_S)
    sock.connect(place)
    return sock


def ask(sock: socket, question: bytes, end: bytes) -> bytes:
    """What is answered to `question`, up to and with `end`; raises NotServingError for a reply that stops short."""
    sock.sendall(question)
    reply = b""
    while not reply.endswith(end):
        piece = sock.recv(4096)
        if not piece or len(reply) > _LONGEST_REPLY:
            raise NotServingError(f"incomplete answer {reply[:80]!r}")
        reply += piece
    return reply


def ping_redis(sock: socket, _pidfile: str) -> None:
    """PONG, or the demand for a password, means that it serves; LOADING, BUSY, MASTERDOWN and the rest do not."""
    reply = ask(sock, b"PING\r\n", b"\r\n")
    if not reply.startswith((b"+PONG", b"-NOAUTH")):
        raise NotServingError(reply.decode(errors="replace").strip())


def ping_memcached(sock: socket, pidfile: str) -> None:
    """It answers `stats`; with a pidfile, it must also be ours that answers and not a stranger on the same port."""
    reply = ask(sock, b"stats\r\n", b"END\r\n")
    if not pidfile:
        return
    with open(pidfile, "rb") as file:  # noqa: PTH123 - pathlib costs 15 ms
        expected = b"STAT pid %s\r" % file.read().strip()
    if expected not in reply:
        raise NotServingError("another memcached answers at this address")


PINGS = {"redis": ping_redis, "memcached": ping_memcached}


def main(arguments: list[str]) -> int:
    """Exit code: 0 serving, 1 not."""
    kind, address, *rest = arguments
    try:
        sock = connect(address)
        PINGS[kind](sock, rest[0] if rest else "")
        sock.close()
    except (OSError, NotServingError) as error:
        print(f"{kind} at {address}: {error}", file=sys.stderr)  # noqa: T201 - it is a program
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
