"""A UDP server that keeps what it got: what statsd is for the tests of plugins that send to it."""

from __future__ import annotations

import socket

from tests.support.waiting import wait_until


class Datagrams:
    """Listens on a port of the kernel's choice."""

    def __init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.setblocking(False)
        self.port = self.sock.getsockname()[1]
        self.lines: list[str] = []

    @property
    def options(self) -> dict[str, object]:
        """What a plugin needs to send here."""
        return {"host": "127.0.0.1", "port": self.port}

    def read(self) -> list[str]:
        """All that came so far."""
        while True:
            try:
                self.lines.append(self.sock.recv(4096).decode())
            except BlockingIOError:
                return self.lines

    def wait(self, beginning: str) -> str:
        """The first that begins so."""
        return wait_until(
            lambda: next((line for line in self.read() if line.startswith(beginning)), None),
            f"a datagram {beginning}...",
            detail=self.read,
        )

    def close(self) -> None:
        self.sock.close()
