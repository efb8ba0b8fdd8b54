"""The workers of a contestant as a client can see them: by asking which one answers. The same for every server."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import time
from collections.abc import Callable

from .server import Server, ServerError
from .target import WORKER_PATH

_PATIENCE_S = 60.0
_ANSWER_S = 10.0
_PAUSE_S = 0.005
_LENGTH = re.compile(rb"(?im)^content-length: *(\d+)")


def worker_pids(server: Server, count: int, without: frozenset[int] = frozenset()) -> frozenset[int]:
    """Pids of so many workers that answer, none of them in `without`. ServerError where they do not show up in time."""
    found: set[int] = set()
    until = time.monotonic() + _PATIENCE_S
    with contextlib.ExitStack() as held:
        while len(found) < count:
            if time.monotonic() > until:
                raise ServerError(f"{len(found)} of {count} workers answered within {_PATIENCE_S:.0f} s")
            server.check_alive()
            with contextlib.suppress(OSError), contextlib.ExitStack() as asking:
                client = asking.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=_ANSWER_S))
                pid = _ask(client)
                if pid and pid not in without:
                    found.add(pid)
                    # Who keeps a connection lets others have the next one; one of an old worker would keep it from
                    # its end.
                    held.enter_context(asking.pop_all())
            time.sleep(_PAUSE_S)
    return frozenset(found)


def reload_s(server: Server, reload: Callable[[int], None], count: int) -> float:
    """Seconds from the word to replace its workers until as many new ones have answered, and the old ones are gone.
    ServerError where that takes too long."""
    old = worker_pids(server, count)
    began = time.monotonic()
    reload(server.pid)
    worker_pids(server, count, without=old)
    while any(map(_is_there, old)):
        if time.monotonic() - began > _PATIENCE_S:
            raise ServerError(f"old workers are still there after {_PATIENCE_S:.0f} s")
        time.sleep(_PAUSE_S)
    return time.monotonic() - began


def _ask(client: socket.socket) -> int:
    """The pid of who answers on this connection, which stays open; 0 for another answer."""
    client.sendall(f"GET {WORKER_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    answer = b""
    while piece := client.recv(4096):
        answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length and len(body) >= int(length[1]):
            return int(body) if body.isdigit() else 0
    return 0


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
