"""Many workers on one socket: what they serve, and how long the slowest wait, with a connection a request.

    python -m benchmarks.herd [--backend NAME]... [--few 4] [--many 175] [--seconds 4] [--rounds 3] [--connections 64]

First --few and then --many workers serve hello world with exclusive watches: the many must serve at least 0.9 of what
the few serve, with a p99 within twice. Then the few, with requests of 5 ms of CPU, once with exclusive watches and once
with plain ones, as the others on a shared socket: p99 must be no worse. The figures are medians of rounds in which both
sides are asked in turn. `chrt -r` is nothing for it: that hands out time slices of 100 ms. The exit status is 1 where
one of these fails.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .running_stack import median, serve
from .wrk import Report, wrk

_APP = """
import time

def say_hello(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]

def work(environ, start_response):
    until = time.thread_time() + 0.005
    while time.thread_time() < until:
        pass
    return say_hello(environ, start_response)

def hello(global_conf, **settings):
    return say_hello

def busy(global_conf, **settings):
    return work
"""
_INI = """
[app:main]
use = call:herded:{app}

[server:main]
use = egg:circus-stack
listen = 127.0.0.1:0
backlog = 2048
backend = {backend}
workers = {count}
exclusive = {exclusive}
preload = true
log_level = error
"""
_PATIENCE_S = 240.0


@dataclass(frozen=True)
class Herd:
    """Workers that share the socket on `port`."""

    port: int
    pids: tuple[int, ...]


@contextlib.contextmanager
def herd(backend: str, app: str, count: int, home: Path, *, exclusive: bool = True) -> Iterator[Herd]:
    """So many workers, ready, until the block ends: forked from one zygote, which brings 175 up in seconds."""
    (home / "herded.py").write_text(_APP)
    ini = home / "herd.ini"
    ini.write_text(_INI.format(backend=backend, app=app, count=count, exclusive=exclusive))
    with serve(str(ini), cwd=home, patience_s=_PATIENCE_S) as stack:
        yield Herd(stack.port, tuple(stack.pids()))


def load(workers: Herd, seconds: float, connections: int) -> Report:
    """One round; RuntimeError where anything failed."""
    with wrk(workers.port, connections=connections, header="Connection: close") as report:
        time.sleep(seconds)
    if report.errors or report.not_2xx:
        raise RuntimeError(report.text)
    return report


def compare(label: str, one: Herd, other: Herd, options: argparse.Namespace) -> tuple[float, float]:
    """Medians over the rounds of (rate of the other / rate of the one, p99 of the other / p99 of the one)."""
    rates, slow = [], []
    for _ in range(options.rounds):
        mine, theirs = (
            load(one, options.seconds, options.connections),
            load(other, options.seconds, options.connections),
        )
        rates.append(theirs.requests_per_s / mine.requests_per_s)
        slow.append(theirs.p99_ms / mine.p99_ms)
        print(
            f"  {label}: {mine.requests_per_s:.0f}/s p99 {mine.p99_ms:.1f} ms beside "
            f"{theirs.requests_per_s:.0f}/s p99 {theirs.p99_ms:.1f} ms",
            flush=True,
        )
    return median(rates), median(slow)


def measure(backend: str, options: argparse.Namespace) -> bool:
    """Both comparisons; whether both hold."""
    with tempfile.TemporaryDirectory(prefix="csh") as directory:
        home = Path(directory)
        few, many = home / "few", home / "many"
        for each in (few, many):
            each.mkdir()
        with herd(backend, "hello", options.few, few) as one, herd(backend, "hello", options.many, many) as other:
            rate, slow = compare(f"{options.few} workers, {options.many} workers", one, other, options)
        met = rate >= 0.9 and slow <= 2.0
        print(f"{backend}: {options.many} workers serve {rate:.2f} x, p99 {slow:.2f} x: {'ok' if met else 'MISSED'}")
        with (
            herd(backend, "busy", options.few, few, exclusive=False) as one,
            herd(backend, "busy", options.few, many) as other,
        ):
            rate, slow = compare("5 ms of CPU, plain, exclusive", one, other, options)
        is_fair = slow <= 1.0
        print(f"{backend}: exclusive watches serve {rate:.2f} x, p99 {slow:.2f} x: {'ok' if is_fair else 'MISSED'}")
    return met and is_fair


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--backend", action="append", choices=("gevent", "fastgevent"))
    parser.add_argument("--few", type=int, default=4)
    parser.add_argument("--many", type=int, default=175)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    options = parser.parse_args()
    results = [measure(each, options) for each in options.backend or ("gevent", "fastgevent")]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
