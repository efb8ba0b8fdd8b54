"""The Date and Server lines, made once a second for all responses of a worker."""

from __future__ import annotations

import time
from email.utils import formatdate


class Dates:
    """`lines()` is what most responses have in common."""

    __slots__ = ("_both", "_end", "_second", "_server", "date")

    def __init__(self, server_header: str) -> None:
        self._server = f"Server: {server_header}\r\n".encode("latin-1") if server_header else b""
        self._second = 0
        self._both = b""
        self._end = b""
        self.date = b""

    def lines(self) -> bytes:
        """`Server` and `Date`, each with its end; also brings `date` up to date, the latter alone."""
        now = int(time.time())
        if now != self._second:
            self._second = now
            self.date = f"Date: {formatdate(now, usegmt=True)}\r\n".encode("latin-1")
            self._both = self._server + self.date
            self._end = self._both + b"\r\n"
        return self._both

    def end(self) -> bytes:
        """The same, and the end of the head."""
        self.lines()
        return self._end
