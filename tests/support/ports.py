"""Loopback sockets for tests."""

from __future__ import annotations

import socket


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that was free a moment ago; prefer port 0 wherever the program under test can say what it got."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def listening_socket(host: str = "127.0.0.1", backlog: int = 512) -> socket.socket:
    """A bound, listening, inheritable TCP socket on a port of the kernel's choice."""
    sock = socket.create_server((host, 0), backlog=backlog)
    sock.set_inheritable(True)
    return sock
