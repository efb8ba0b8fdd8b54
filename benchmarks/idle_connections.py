"""What idle keep-alive connections and a large upload cost one worker: resident memory, and a new request's wait.

    python -m benchmarks.idle_connections [--backend fastgevent] [--connections 10000] [--upload-mib 1024]

Opens the connections from a few addresses of 127.0.0.0/8, each with one request answered and then silent; asks new ones
and idle ones for another request; then uploads a body with a length, and one in chunks, to an application that reads it
piece by piece. The limits are those of the issue "Chaussette": 150 MiB, 50 ms, 10 MiB of growth. The exit status is 1
where one is missed. Both sides need as many open files as there are connections.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from .contestants import BIN, start
from .running_stack import median

_APP = """
def app(environ, start_response):
    size = 0
    while piece := environ["wsgi.input"].read(65536):
        size += len(piece)
    body = b"%d" % size
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""
_MOST_MIB, _MOST_MS, _MOST_GROWTH_MIB = 150.0, 50.0, 10.0
_REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
# Of 28,000 ports for each, by default.
_ADDRESSES = tuple(f"127.0.0.{number}" for number in range(1, 6))
_SPARE_FILES = 200
_PATIENCE_S = 60.0
_PIECE = bytes(1 << 20)


class Worker:
    """The server's process, and where it listens."""

    def __init__(self, pid: int, port: int) -> None:
        self.port = port
        self.process = psutil.Process(pid)

    def resident_mib(self) -> float:
        return self.process.memory_info().rss / 2**20

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak_mib(self) -> float:
        """The most that was resident since `forget_peak`."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("there is no VmHWM")

    def connect(self, source: str = _ADDRESSES[0]) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE_S, source_address=(source, 0))


def answer(client: socket.socket) -> bytes:
    """The body of a small response."""
    data = b""
    # Head and body come in one packet.
    while not data.partition(b"\r\n\r\n")[2]:
        piece = client.recv(4096)
        if not piece:
            raise RuntimeError(f"the server has closed: {data!r}")
        data += piece
    if not data.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"it says {data!r}")
    return data.partition(b"\r\n\r\n")[2]


@contextlib.contextmanager
def worker(backend: str, connections: int) -> Iterator[Worker]:
    """One worker, with its usual limits but for the time that a connection may be idle."""
    files = connections + _SPARE_FILES
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(files, hard), hard))
    with tempfile.TemporaryDirectory(prefix="csi") as directory:
        home = Path(directory)
        (home / "idle_app.py").write_text(_APP)
        with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
            port = int(listener.getsockname()[1])
            argv = [str(BIN / "chaussette"), "--backend", backend, "--fd", str(listener.fileno()), "idle_app.app"]
            argv += ["--keepalive-timeout", "600"]
            with start(argv, home, home / "log", fds=[listener.fileno()]) as process:
                found = Worker(process.pid, port)
                with found.connect() as client:
                    client.sendall(_REQUEST)
                    answer(client)
                yield found


def open_idle(to: Worker, count: int) -> list[socket.socket]:
    """So many connections that have had one response each."""
    found = []
    for number in range(count):
        client = to.connect(_ADDRESSES[number % len(_ADDRESSES)])
        client.sendall(_REQUEST)
        found.append(client)
        answer(client)
    return found


def waits_ms(to: Worker, idle: Sequence[socket.socket], samples: int) -> tuple[list[float], list[float]]:
    """Milliseconds to the response: of new connections, the connect included, and of idle ones."""
    new, old = [], []
    for number in range(samples):
        began = time.perf_counter()
        with to.connect() as client:
            client.sendall(_REQUEST)
            answer(client)
            new.append((time.perf_counter() - began) * 1000)
        client = idle[number * len(idle) // samples]
        began = time.perf_counter()
        client.sendall(_REQUEST)
        answer(client)
        old.append((time.perf_counter() - began) * 1000)
    return new, old


def upload(to: Worker, mib: int, *, is_chunked: bool) -> tuple[float, float]:
    """MiB by which the worker's memory grew at most, and seconds that it took."""
    framing = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: %d" % (mib << 20)
    before = to.resident_mib()
    to.forget_peak()
    began = time.monotonic()
    with to.connect() as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n" % framing)
        for _ in range(mib):
            client.sendall(b"%x\r\n%b\r\n" % (len(_PIECE), _PIECE) if is_chunked else _PIECE)
        if is_chunked:
            client.sendall(b"0\r\n\r\n")
        if int(answer(client)) != mib << 20:
            raise RuntimeError("the application has read another number of bytes")
    return to.peak_mib() - before, time.monotonic() - began


def verdict(what: str, found: float, limit: float, unit: str) -> bool:
    """Print it; whether the limit is met."""
    is_met = found < limit
    print(f"{what:58} {found:8.2f} {unit:3} < {limit:g}: {'ok' if is_met else 'MISSED'}", flush=True)
    return is_met


def measure(to: Worker, options: argparse.Namespace) -> list[bool]:
    """All of it, in turn."""
    empty = to.resident_mib()
    idle = open_idle(to, options.connections)
    resident = to.resident_mib()
    each = (resident - empty) * 1024 / max(1, len(idle))
    print(f"{len(idle)} idle connections: {empty:.1f} -> {resident:.1f} MiB resident, {each:.2f} KiB each")
    met = [verdict(f"resident with {len(idle)} idle connections", resident, _MOST_MIB, "MiB")]
    for label, waits in zip(("new connection", "idle one"), waits_ms(to, idle, options.samples), strict=True):
        print(f"a request on a(n) {label}: median {median(waits):.2f} ms of {len(waits)}")
        met.append(verdict(f"the slowest request on a(n) {label}", max(waits), _MOST_MS, "ms"))
    for client in idle:
        client.close()
    for is_chunked in (False, True):
        growth, took = upload(to, options.upload_mib, is_chunked=is_chunked)
        label = f"growth by {options.upload_mib} MiB {'in chunks' if is_chunked else 'of known length'}, {took:.1f} s"
        met.append(verdict(label, growth, _MOST_GROWTH_MIB, "MiB"))
    return met


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--backend", default="fastgevent", choices=("fastgevent", "gevent"))
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--upload-mib", type=int, default=1024)
    options = parser.parse_args()
    with worker(options.backend, options.connections) as found:
        return 0 if all(measure(found, options)) else 1


if __name__ == "__main__":
    sys.exit(main())
