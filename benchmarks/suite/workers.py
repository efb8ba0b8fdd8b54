"""The workers of a contestant as a client can see them: by asking which one answers. The same for every server."""

from __future__ import annotations

import os
import socket
import time

from .server import Server, ServerError
from .target import WORKER_PATH

_PATIENCE_S = 60.0
_ANSWER_S = 10.0
_PAUSE_S = 0.005


def worker_pids(server: Server, count: int, without: frozenset[int] = frozenset()) -> frozenset[int]:
    """Pids of so many workers that answer, none of them in `without`. ServerError where they do not show up in time."""
    found: set[int] = set()
    until = time.monotonic() + _PATIENCE_S
    while len(found) < count:
        if time.monotonic() > until:
            raise ServerError(f"{len(found)} of {count} workers answered within {_PATIENCE_S:.0f} s")
        server.check_alive()
        pid = _ask(server.port)
        if pid and pid not in without:
            found.add(pid)
        else:
            time.sleep(_PAUSE_S)
    return frozenset(found)


def wait_replaced(server: Server, old: frozenset[int]) -> float:
    """Seconds until as many new workers as there were old ones have answered, and the old ones are gone. ServerError
    where that takes too long."""
    began = time.monotonic()
    worker_pids(server, len(old), without=old)
    while any(map(_is_there, old)):
        if time.monotonic() - began > _PATIENCE_S:
            raise ServerError(f"old workers are still there after {_PATIENCE_S:.0f} s")
        time.sleep(_PAUSE_S)
    return time.monotonic() - began


def _ask(port: int) -> int:
    """The pid of who answers a new connection; 0 where nobody does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_ANSWER_S) as client:
            client.sendall(f"GET {WORKER_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            answer = b"".join(iter(lambda: client.recv(4096), b""))
    except OSError:
        return 0
    body = answer.partition(b"\r\n\r\n")[2]
    return int(body) if body.isdigit() else 0


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
