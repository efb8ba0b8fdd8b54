"""An application with the load of a usual one, to try backends with: it computes, waits, and asks a database, which is
a thread here. `setup` and `teardown` are its hooks; without them the database comes with the first request."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_COMPUTED = 10_000
# A request waits for somebody for so long, in seconds.
_WAITS_S = (0.075, 0.1)
_QUERY = b"SELECT 1;"
_ROW = b"x" * 1024


class Database:
    """Answers each query over a socket with a row, one query at a time."""

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._answer, name="bench-database", daemon=True)
        self._thread.start()

    def ask(self) -> bytes:
        """One row."""
        with self._lock:
            self._ours.sendall(_QUERY)
            return _received(self._ours, len(_ROW))

    def _answer(self) -> None:
        with self._theirs:
            while _received(self._theirs, len(_QUERY)):
                self._theirs.sendall(_ROW)

    def close(self) -> None:
        """End it."""
        self._ours.close()
        self._thread.join(1.0)


def _received(sock: socket.socket, length: int) -> bytes:
    """So many bytes; none at the end."""
    found = b""
    while len(found) < length:
        data = sock.recv(length - len(found))
        if not data:
            return b""
        found += data
    return found


_databases: list[Database] = []


def setup(_config: object = None) -> None:
    """For `--pre-hook`: start the database."""
    if not _databases:
        _databases.append(Database())


def teardown(_config: object = None) -> None:
    """For `--post-hook`: end it."""
    while _databases:
        _databases.pop().close()


def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answers with the row, in some 0.1 s."""
    setup()
    sum(number * number for number in range(_COMPUTED))
    time.sleep(random.uniform(*_WAITS_S))
    row = _databases[0].ask()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(row)))])
    return [row]
