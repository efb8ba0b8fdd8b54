"""Users of a scenario, as locust runs them, in one step or in more and more.

`given.json` in the working directory says what they ask, how long they think, how many there are in each step, and how
long it counts (load/locust.py writes it); a line of JSON on standard output tells of each step when it ends.
"""

from __future__ import annotations

import json
import random
import socket
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from locust import FastHttpUser, LoadTestShape, User, between, constant, task

_GIVEN: dict[str, Any] = json.loads(Path("given.json").read_text())
_ASKS: list[dict[str, Any]] = _GIVEN["asks"]
_USERS: list[int] = _GIVEN["users"]
_SLOW: int = _GIVEN["slow_users"]
_BODIES = {size: b"x" * size for size in {each["body_bytes"] for each in _ASKS}}
# The head of a slow client's request takes three seconds; its answer comes in so many bytes every 50 ms.
_DROPS, _DROP_S = 12, 0.25
_SIP_BYTES, _SIP_S = 512, 0.05
_PATIENCE_S = 60.0
# Who has waited for longer when a step ends is told as one who waited so long: percentiles of answers alone would
# praise a server that leaves half of its users without any.
_LATE_S = 1.0
# Since when who waits.
_WAITING: dict[User, float] = {}


def _wanted_s() -> float:
    """Seconds in which this process ran, or would have if others had not: either way the servers waited for it."""
    try:
        ran, waited, _ = Path("/proc/self/schedstat").read_text().split()
    except (OSError, ValueError):
        return time.process_time()
    return (int(ran) + int(waited)) / 1e9


class Visitor(FastHttpUser):
    """Asks for the pages in turn over a connection of its own."""

    abstract = _GIVEN["once_a_second"]
    wait_time = between(*_GIVEN["think_s"]) if any(_GIVEN["think_s"]) else constant(0)
    # A server that is late is measured, not given up.
    network_timeout = _PATIENCE_S
    connection_timeout = _PATIENCE_S

    def on_start(self) -> None:
        # Not all at the same page at the same time.
        self._turn = random.randrange(len(_ASKS))

    @task
    def ask(self) -> None:
        """The next page."""
        asked = _ASKS[self._turn % len(_ASKS)]
        self._turn += 1
        body = _BODIES[asked["body_bytes"]] or None
        _WAITING[self] = time.monotonic()
        try:
            # A redirection is an answer, as it is for wrk.
            self.client.request(
                asked["method"], asked["path"], headers=asked["headers"], data=body, name="page", allow_redirects=False
            )
        finally:
            del _WAITING[self]


class Punctual(Visitor):
    """Asks once a second, from a moment of its own on; at once where an answer took longer.

    locust's constant_throughput counts from when users are made, which is the same moment for all.
    """

    abstract = not _GIVEN["once_a_second"]

    def on_start(self) -> None:
        super().on_start()
        self._due = time.monotonic() + random.random()
        time.sleep(self._due - time.monotonic())

    def wait_time(self) -> float:
        self._due = max(self._due + 1.0, time.monotonic())
        return max(0.0, self._due - time.monotonic())


class SlowClient(User):
    """Sends a request in drops, and reads its answer in sips; nothing of it is counted. It takes a place at the server,
    as a phone in a tunnel does."""

    abstract = not _SLOW
    fixed_count = _SLOW
    wait_time = constant(0)

    @task
    def ask(self) -> None:
        """Once, over a connection that is closed afterwards."""
        host, _, port = (self.host or "").removeprefix("http://").partition(":")
        request = f"GET {_ASKS[0]['path']} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        try:
            with socket.create_connection((host, int(port)), timeout=_PATIENCE_S) as client:
                _trickle(client, request)
                while client.recv(_SIP_BYTES):
                    time.sleep(_SIP_S)
        except OSError:
            # Cut off, as a server may; the next one comes.
            time.sleep(_DROP_S)


def _trickle(client: socket.socket, request: bytes) -> None:
    size = -(-len(request) // _DROPS)
    for at in range(0, len(request), size):
        client.sendall(request[at : at + size])
        time.sleep(_DROP_S)


class Steps(LoadTestShape):
    """Asked by locust once a second. Users come for the first seconds of a step, in which nothing counts."""

    def __init__(self) -> None:
        super().__init__()
        self._step = -1
        self._counting_since = self._used_s = 0.0

    def tick(self) -> tuple[int, float] | None:
        """(users, users to start a second), None at the end."""
        length = _GIVEN["growing_s"] + _GIVEN["seconds"]
        # Ticks are a second apart, and a little more.
        step, into = divmod(self.get_run_time() + 0.5, length)
        if int(step) != self._step:
            self._tell()
            self._step, self._counting_since = int(step), 0.0
        if self._step >= len(_USERS):
            return None
        if into >= _GIVEN["growing_s"] and not self._counting_since:
            self.runner.stats.reset_all()  # type: ignore[union-attr]
            self._counting_since, self._used_s = time.monotonic(), _wanted_s()
        users = _USERS[self._step] + _SLOW
        return users, float(users)

    def _tell(self) -> None:
        if self._step < 0:
            return
        total = self.runner.stats.total  # type: ignore[union-attr]
        now = time.monotonic()
        times = Counter(total.response_times)
        times.update(round((now - since) * 1000) for since in _WAITING.values() if now - since > _LATE_S)
        found = {
            "users": _USERS[self._step],
            "requests": total.num_requests,
            "failures": total.num_failures,
            "seconds": now - self._counting_since,
            "cpu_s": _wanted_s() - self._used_s,
            "response_times": times,
            "errors": sorted({str(each.error)[:200] for each in self.runner.stats.errors.values()}),  # type: ignore[union-attr]
        }
        sys.stdout.write(f"{_GIVEN['mark']}{json.dumps(found)}\n")
        sys.stdout.flush()
