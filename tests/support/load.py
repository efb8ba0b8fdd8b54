"""Load on a socket while workers are replaced: wrk, and a client that pauses so that its connections fall idle."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.waiting import wait_until

WRK_CONNECTIONS = 32
# Bounds a hang: wrk is stopped by a signal long before.
MOST_S = 100
# What wrk runs: each of its threads leaves a file behind at the first response, and a connection sends as a browser
# does, a few requests at once and then none for a while. At full speed the load would take the processors from the
# workers that are being started under it, and a connection would never be silent when its worker is told to stop.
SCRIPT = """\
local told = false
function response()
  if not told then
    told = true
    io.open("%s", "w"):close()
  end
end
function delay()
  return math.random(2) == 1 and math.random(0, 80) or 0
end
"""


@dataclass
class Outcome:
    """What the load saw. `errors` has a line a failed request or connection."""

    requests: int = 0
    errors: list[str] = field(default_factory=list)


@contextlib.contextmanager
def wrk(port: int, *, keep_alive: bool, scheme: str = "http") -> Iterator[Outcome]:
    """wrk with 32 connections on a loopback port for the length of the block; the outcome is filled in at its end.

    That is some 1,500 requests a second in bursts, or what the server is good for if it is less.

    The block is entered once a first response has come: a short one on a busy machine would be over before that.
    """
    header = [] if keep_alive else ["-H", "Connection: close"]
    argv = ["wrk", "-t1", f"-c{WRK_CONNECTIONS}", f"-d{MOST_S}s", "--timeout", "20s", *header]
    outcome = Outcome()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wrk-")))
        script, answered = folder / "first.lua", folder / "answered"
        script.write_text(SCRIPT % answered)
        argv += ["-s", str(script), f"{scheme}://127.0.0.1:{port}/"]
        program = stack.enter_context(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True))
        try:
            wait_until(answered.exists, "a first response to wrk")
            yield outcome
            program.send_signal(signal.SIGINT)
            report, _ = program.communicate(timeout=30)
        finally:
            program.kill()
    outcome.requests = int(re.search(r"(\d+) requests in", report)[1])
    outcome.errors = [line.strip() for line in report.splitlines() if "errors" in line or "Non-2xx" in line]


@contextlib.contextmanager
def pausing_clients(address: tuple[str, int], *, clients: int = 8, pause_s: float = 0.15) -> Iterator[Outcome]:
    """Clients that keep their connection and are silent between requests; none ever tries a request twice."""
    outcome = Outcome()
    lock = threading.Lock()
    over = threading.Event()

    def work() -> None:
        client = http.client.HTTPConnection(*address, timeout=20)
        while not over.wait(pause_s):
            error = _one_request(client)
            with lock:
                outcome.requests += 1
                outcome.errors += error
        client.close()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield outcome
    finally:
        over.set()
        for thread in threads:
            thread.join(30)


def _one_request(client: http.client.HTTPConnection) -> list[str]:
    try:
        client.request("GET", "/")
        response = client.getresponse()
        response.read()
    except (OSError, http.client.HTTPException) as error:
        client.close()
        return [f"{time.time():.3f} {error!r}"]
    return [] if response.status == 200 else [f"status {response.status}"]
