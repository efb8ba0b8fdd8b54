"""Many workers of the Pyramid example: exec'ed one by one, forked from a zygote, and forked by `gunicorn --preload`.

    python -m benchmarks.preload [--workers 175] [--rounds 3] [--gunicorn .venv/imported]

Of each: seconds from the program's start until every worker serves, and the memory (pss) of the workers with the
process that they are forked from. The contestants take turns, so that the machine's mood hits all alike. The limits are
those of the issue "Chaussette, whole"; the exit status is 1 where one of them is missed. `--gunicorn` is an environment
that has gunicorn; it runs with this one's interpreter and libraries. A round takes a minute or two with 175 workers on
two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from .running_stack import median, serve

_INI = """
[app:main]
use = egg:circus-stack-notes

[server:main]
use = egg:circus-stack
listen = 127.0.0.1:0
backend = gevent
workers = {workers}
ready_timeout = 600
log_level = warning
preload = {preload}
"""
_APPLICATION = """
from paste.deploy import loadapp

app = loadapp("config:{ini}")
"""
# A byte for each worker that is about to accept: gunicorn has no other word for ready. With preload gevent has to patch
# before the application is imported, which is early in here.
_GUNICORN = """
from gevent import monkey

monkey.patch_all()

import os


def post_worker_init(worker):
    os.write({fd}, b"x")
"""
_PATIENCE_S = 600.0


@dataclass
class Contestant:
    """How to run it, and what was measured, a figure a round."""

    name: str
    run: Callable[[int], tuple[float, int]]
    seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def measure(self, workers: int) -> None:
        seconds, pss = self.run(workers)
        self.seconds.append(seconds)
        self.megabytes.append(pss / 2**20)

    def __str__(self) -> str:
        rounds = " ".join(f"{each:.2f}" for each in self.seconds)
        return f"{self.name:10} {median(self.seconds):7.2f} s {median(self.megabytes):8.0f} MiB   rounds: {rounds} s"


def pss_of(pids: Sequence[int]) -> int:
    """Bytes, added up; what shares a page has its part of it each."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def ours(preload: bool) -> Callable[[int], tuple[float, int]]:
    """A run of `circus-stack serve`."""

    def run(workers: int) -> tuple[float, int]:
        with tempfile.TemporaryDirectory() as directory:
            ini = Path(directory) / "app.ini"
            ini.write_text(_INI.format(workers=workers, preload=preload))
            began = time.monotonic()
            with serve(str(ini), cwd=Path(directory), patience_s=_PATIENCE_S) as stack:
                took = time.monotonic() - began
                with stack.client() as client:
                    web = client.call("status", extended=True)["watchers"]["web"]
                pids = [each["pid"] for each in (*web["processes"], *web["zygotes"])]
                if len(web["processes"]) != workers:
                    raise RuntimeError(f"{len(web['processes'])} workers:\n{stack.log.read_text()}")
                return took, pss_of(pids)

    return run


def gunicorn(environment: Path) -> Callable[[int], tuple[float, int]]:
    """A run of `gunicorn --preload` with its gevent workers."""
    found = sorted(environment.glob("lib/python3*/site-packages/gunicorn"))
    if not found:
        raise SystemExit(f"there is no gunicorn in {environment}: python -m venv {environment}, pip install gunicorn")

    def run(workers: int) -> tuple[float, int]:
        with tempfile.TemporaryDirectory() as directory, _pipe() as (ready, told):
            home = Path(directory)
            (home / "app.ini").write_text(_INI.format(workers=workers, preload=False))
            (home / "bench_application.py").write_text(_APPLICATION.format(ini=home / "app.ini"))
            (home / "conf.py").write_text(_GUNICORN.format(fd=told))
            (home / "gunicorn").symlink_to(found[-1])
            words = ("-k", "gevent", "-w", str(workers), "-b", f"127.0.0.1:{_free_port()}", "--log-level", "error")
            began = time.monotonic()
            program = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--preload", "-c", "conf.py", *words, "bench_application:app"],
                cwd=home,
                pass_fds=(told,),
            )
            try:
                _wait_bytes(ready, workers, program)
                took = time.monotonic() - began
                family = [each.pid for each in psutil.Process(program.pid).children()]
                return took, pss_of([program.pid, *family])
            finally:
                program.send_signal(signal.SIGTERM)
                program.wait(60)

    return run


@contextlib.contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    try:
        yield ends
    finally:
        for each in ends:
            os.close(each)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def _wait_bytes(fd: int, count: int, program: subprocess.Popen[bytes]) -> None:
    os.set_blocking(fd, False)
    deadline = time.monotonic() + _PATIENCE_S
    while count > 0:
        with contextlib.suppress(BlockingIOError):
            count -= len(os.read(fd, count))
            continue
        if program.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"gunicorn has not come up: {count} workers are missing, status {program.poll()}")
        time.sleep(0.005)


def _verdict(what: str, mine: Sequence[float], theirs: Sequence[float], limit: float) -> bool:
    """Print the ratio of each round and their median; whether the limit is met."""
    ratios = [one / other for one, other in zip(mine, theirs, strict=True)]
    is_met = median(ratios) <= limit
    rounds = " ".join(f"{each:.3f}" for each in ratios)
    print(f"{what:40} {median(ratios):6.3f} x   <= {limit:g} {'ok' if is_met else 'MISSED'}   rounds: {rounds}")
    return is_met


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, default=175)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gunicorn", type=Path, default=Path(sys.prefix) / "imported")
    asked = parser.parse_args(argv)
    forked = Contestant("preload", ours(preload=True))
    others = Contestant("gunicorn", gunicorn(asked.gunicorn.absolute()))
    started = Contestant("exec'ed", ours(preload=False))
    for _ in range(asked.rounds):
        for each in (forked, others, started):
            each.measure(asked.workers)
            print(each, flush=True)
    met = [
        _verdict("ready, against exec'ed", forked.seconds, started.seconds, 0.1),
        _verdict("memory, against exec'ed", forked.megabytes, started.megabytes, 0.2),
        _verdict("ready, against gunicorn --preload", forked.seconds, others.seconds, 1.0),
    ]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
