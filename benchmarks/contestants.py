"""WSGI servers, ours and others', as programs: one worker that serves one application on a port of 127.0.0.1."""

from __future__ import annotations

import compileall
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

BIN = Path(sys.executable).parent
_ROOT = Path(__file__).parents[1]
_PATIENCE_S = 30.0
_BJOERN = "import bjoern, hello; bjoern.run(hello.app, '127.0.0.1', {port})"


def peers() -> Path:
    """The programs of the virtual environment that `tools/peers contestants` makes; makes it where it is missing."""
    subprocess.run([_ROOT / "tools" / "peers", "contestants"], cwd=_ROOT, check=True)
    return _ROOT / os.environ.get("VENV", ".venv") / "contestants" / "bin"


def ours(backend: str) -> Callable[[int], list[str]]:
    """The command line of one of our backends, with what else it is told by default."""
    return lambda port: [str(BIN / "chaussette"), "--backend", backend, "--port", str(port), "hello.app"]


def gunicorn_gevent(port: int) -> list[str]:
    """Its log is its default one: none of the requests."""
    return [str(peers() / "gunicorn"), "-k", "gevent", "-w", "1", "-b", f"127.0.0.1:{port}", "hello:app"]


def granian(port: int) -> list[str]:
    """One worker and its default threads."""
    return [str(peers() / "granian"), "--interface", "wsgi", "--workers", "1", "--port", str(port), "hello:app"]


def bjoern(port: int) -> list[str]:
    """It has no program of its own."""
    return [str(peers() / "python"), "-c", _BJOERN.format(port=port)]


CONTESTANTS: Mapping[str, Callable[[int], list[str]]] = {
    "fastgevent": ours("fastgevent"),
    "gevent": ours("gevent"),
    "gunicorn": gunicorn_gevent,
    "granian": granian,
    "bjoern": bjoern,
}


@dataclass(frozen=True)
class Weight:
    """Of the worker: resident, its proportional share, and what is its alone. `largest_mib`: resident of the largest
    process, a master among them; `all_pss_mib`: the shares of all."""

    rss_mib: float
    pss_mib: float
    uss_mib: float
    largest_mib: float
    all_pss_mib: float


@dataclass(frozen=True)
class Contestant:
    """A server that answers on `port`."""

    name: str
    port: int
    process: psutil.Process

    def family(self) -> list[psutil.Process]:
        """Its processes, those of its master too."""
        return [self.process, *self.process.children(recursive=True)]

    def weight(self) -> Weight:
        """What it holds in memory. The worker is the process that has no children."""
        family = self.family()
        found = {each.pid: each.memory_full_info() for each in family}
        worker = found[next(each.pid for each in reversed(family) if not each.children())]
        return Weight(
            rss_mib=worker.rss / 2**20,
            pss_mib=worker.pss / 2**20,
            uss_mib=worker.uss / 2**20,
            largest_mib=max(each.rss for each in found.values()) / 2**20,
            all_pss_mib=sum(each.pss for each in found.values()) / 2**20,
        )


@contextlib.contextmanager
def running(name: str, home: Path, cpu: int) -> Iterator[Contestant]:
    """One of CONTESTANTS, serving `hello.app` of `home` on processor `cpu` until the block ends."""
    # As pip does with what it installs: a clone may lack it, and to compile takes memory.
    compileall.compile_dir(_ROOT / "chaussette", quiet=1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with start(["taskset", "-c", str(cpu), *CONTESTANTS[name](port)], home, home / f"{name}.log") as process:
        _wait_answers(port, process, home / f"{name}.log")
        yield Contestant(name, port, psutil.Process(process.pid))


@contextlib.contextmanager
def start(
    argv: Sequence[str], home: Path, log: Path, fds: Sequence[int] = (), environ: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a session of its own, which is ended as a whole; its output goes to `log`.

    `environ`: its whole environment; by default ours, and it finds what lies in `home`.
    """
    env = {**os.environ, "PYTHONPATH": str(home)} if environ is None else dict(environ)
    with log.open("ab") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=home, env=env, start_new_session=True,
            pass_fds=tuple(fds),
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_answers(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE_S) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                if client.recv(1):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"it does not answer:\n{log.read_text(errors='replace')}")
