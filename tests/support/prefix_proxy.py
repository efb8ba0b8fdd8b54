"""A reverse proxy with a path of its own, as others put before a console: it takes the path away, says so in headers,
and hands on whatever follows in both directions."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from tests.support.waiting import PATIENCE_S

ADDRESS = "127.0.0.9"
"""Of the proxy as its target sees it: other clients on this machine are not it."""

_END = b"\r\n\r\n"


class PrefixProxy:
    """Listens on a port of loopback, `port`; a connection a request. `given` are headers that each request is sent
    on with, from ADDRESS."""

    def __init__(self, target: tuple[str, int], prefix: str, given: dict[str, str]) -> None:
        self._target = target
        self._prefix = prefix.encode()
        self._given = "".join(f"{name}: {value}\r\n" for name, value in given.items()).encode()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self._open.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, self._connect() as server:
            self._open.add(server)
            server.settimeout(None)
            head = b""
            while _END not in head:
                piece = client.recv(65536)
                if not piece:
                    return
                head += piece
            server.sendall(self._rewritten(head))
            threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()
            _pass_on(server, client)

    def _connect(self) -> socket.socket:
        return socket.create_connection(self._target, PATIENCE_S, source_address=(ADDRESS, 0))

    def _rewritten(self, head: bytes) -> bytes:
        line, _, rest = head.partition(b"\r\n")
        method, path, version = line.split(b" ")
        if not path.startswith(self._prefix + b"/"):
            raise OSError(f"{path!r} is not below {self._prefix!r}")
        is_upgrade = b"\r\nupgrade:" in rest.lower()
        close = b"" if is_upgrade else b"Connection: close\r\n"
        if not is_upgrade:
            rest = rest.replace(b"Connection: keep-alive\r\n", b"")
        return b" ".join((method, path.removeprefix(self._prefix), version)) + b"\r\n" + self._given + close + rest

    def close(self) -> None:
        """Listen no more, and cut all connections."""
        # Only so does it wake up who waits in accept().
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def prefix_proxy(target: tuple[str, int], prefix: str, **given: str) -> Iterator[PrefixProxy]:
    """One before `target`, for the length of a block."""
    made = PrefixProxy(target, prefix, given)
    try:
        yield made
    finally:
        made.close()
