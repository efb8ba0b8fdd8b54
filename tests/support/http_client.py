"""A plain HTTP client for tests, on a TCP address or a unix path."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from typing import Any

from tests.support.waiting import PATIENCE_S


class Client(http.client.HTTPConnection):
    """A client that keeps its connection where the server does. `address` is (host, port), or the path of a socket."""

    def __init__(self, address: Any) -> None:
        super().__init__("app.example", timeout=PATIENCE_S)
        self._address = address

    def connect(self) -> None:
        is_unix = isinstance(self._address, str)
        family = socket.AF_UNIX if is_unix else socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        self.sock = socket.socket(family)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._address)

    def fetch(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Any:
        """(response, content) of one request."""
        # A server that refuses a large body may have answered, and closed, before it has got all of it.
        with contextlib.suppress(BrokenPipeError):
            self.request(method, path, body=body, headers=headers)
        response = self.getresponse()
        return response, response.read()

    def fetch_json(self, path: str) -> Any:
        return json.loads(self.fetch(path)[1])
