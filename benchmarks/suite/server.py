"""A contestant that runs: started on its processors, awaited, weighed, and ended with all its processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import psutil

from ..contestants import start
from .ending import ended
from .statistics import median

_PATIENCE_S = 60.0
_LAST_BYTES = 2000
# 175 workers that each import an application take more than a minute on two processors.
_SETTLING_S = 240.0
# Who used less than this share of a processor for so long has started: an import is nothing but work.
_QUIET_S = 0.3
_LOOKS = 3
_IDLE_SHARE = 0.1


class ServerError(Exception):
    """It did not start, or is gone; the text holds the end of its output."""


class Server:
    """One that answers on `port`; `start_s` after it was started."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path, began: float, start_s: float) -> None:
        self._process = process
        self._root = psutil.Process(process.pid)
        self._log = log
        self.pid = process.pid
        self.port = port
        self.start_s = start_s
        self._began = began

    def check_alive(self) -> None:
        """ServerError where its first process is gone."""
        if self._process.poll() is not None:
            raise ServerError(f"it ended with status {self._process.returncode}:\n{tail(self._log)}")

    def cpu_s(self) -> float:
        """What its processes, as they are now, have used of a processor, in seconds."""
        used = 0.0
        for each in self._family():
            # One that ends meanwhile, as a worker that is replaced, takes its part with it.
            with contextlib.suppress(psutil.NoSuchProcess):
                used += sum(each.cpu_times()[:2])
        return used

    def memory(self) -> tuple[int, int]:
        """Bytes that its processes hold: resident, summed; and proportional, where shared pages are split among all
        that share them, other contestants too."""
        found = []
        for each in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(each.memory_full_info())
        return sum(each.rss for each in found), sum(each.pss for each in found)

    def worker_rss(self, workers: int) -> int:
        """Bytes that one worker holds resident: the middle one of the largest so many processes without children, among
        which there may be a router, which has no application."""
        leaves = []
        for each in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                if not each.children():
                    leaves.append(each.memory_info().rss)
        return int(median(sorted(leaves)[-workers:]))

    def wait_settled(self, processes: int) -> float:
        """Wait until it has so many processes, which do nothing any more, as after their start; when that began, in
        seconds after the start. ServerError where they never rest, or never are so many."""
        until = time.monotonic() + _SETTLING_S
        seen = deque([(time.monotonic(), self.cpu_s())], maxlen=_LOOKS + 1)
        while time.monotonic() < until:
            time.sleep(_QUIET_S / _LOOKS)
            self.check_alive()
            seen.append((time.monotonic(), self.cpu_s()))
            (since, then), (now, used) = seen[0], seen[-1]
            if len(self._family()) < processes:
                # A master that starts them one by one may rest in between.
                continue
            if now - since >= _QUIET_S and 0 <= used - then < (now - since) * _IDLE_SHARE:
                return since - self._began
        count = len(self._family())
        raise ServerError(f"{count} of {processes} processes after {_SETTLING_S:.0f} s, which did not come to rest")

    def _family(self) -> list[psutil.Process]:
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            raise ServerError(f"it is gone:\n{tail(self._log)}") from None


@contextlib.contextmanager
def running(
    argv: Sequence[str], port: int, home: Path, cpus: Sequence[int] | None, environ: Mapping[str, str], path: str
) -> Iterator[Server]:
    """Until the block ends. ServerError where it answers no GET of `path`, with whatever status, in time."""
    log = home / "log"
    pinned = ["taskset", "-c", ",".join(map(str, cpus)), *argv] if cpus else list(argv)
    if shutil.which(argv[0]) is None:
        raise ServerError(f"{argv[0]}: no such program")
    began = time.monotonic()
    with start(pinned, home, log, environ=environ) as process, ended(process, home):
        _wait_answers(process, port, log, path)
        yield Server(process, port, log, began, time.monotonic() - began)


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path) -> str:
    """The end of its output."""
    with contextlib.suppress(OSError):
        return log.read_bytes()[-_LAST_BYTES:].decode(errors="replace").strip() or "it said nothing"
    return "it said nothing"


def runtime_environ(home: Path, import_path: Sequence[str]) -> dict[str, str]:
    """What a contestant is started with: ours, with directories for its own state. Relative to nothing."""
    state = {"XDG_RUNTIME_DIR": str(home), "XDG_STATE_HOME": str(home / "state")}
    # Bytecode is kept, as that of an installed package is: to compile takes time and memory.
    unwanted = {"PORT", "WEB_CONCURRENCY", "PYTHONDONTWRITEBYTECODE"}
    kept = {key: value for key, value in os.environ.items() if key not in unwanted}
    return {**kept, **state, "PYTHONPATH": os.pathsep.join([str(home), *import_path])}


def _wait_answers(process: subprocess.Popen[bytes], port: int, log: Path, path: str) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise ServerError(f"it ended with status {process.returncode} before it answered:\n{tail(log)}")
        if _answers(port, path):
            return
        time.sleep(0.01)
    raise ServerError(f"it did not answer within {_PATIENCE_S:.0f} s:\n{tail(log)}")


def _answers(port: int, path: str) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5.0) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            return bool(client.recv(1))
    except OSError:
        return False
