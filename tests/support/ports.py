"""Loopback sockets for tests."""

from __future__ import annotations

import itertools
import os
import random
import socket

# Below the ports that the kernel gives to clients, so that none of them comes between the look and the use; each of the
# processes that run tests side by side has a share of its own.
_FIRST, _SHARE, _SHARES = 10_000, 2_500, 8
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", f"gw{_SHARES - 1}").removeprefix("gw")) % _SHARES
_offsets = itertools.count(random.randrange(_SHARE))


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that is free; prefer port 0 wherever the program under test can say what it got."""
    for _ in range(_SHARE):
        port = _FIRST + _WORKER * _SHARE + next(_offsets) % _SHARE
        with socket.socket() as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


def listening_socket(host: str = "127.0.0.1", backlog: int = 512) -> socket.socket:
    """A bound, listening, inheritable TCP socket on a port of the kernel's choice."""
    sock = socket.create_server((host, 0), backlog=backlog)
    sock.set_inheritable(True)
    return sock
