"""How soon a stack that scales itself answers a load that doubles, and whether it turns under one that comes and goes.

`python -m benchmarks.autoscale` starts a stack of 2..6 workers, each of which serves one request of 100 ms at a time,
and prints, in seconds and in intervals of circusd-stats: from the doubled load to the sample in which it shows, from
there to the decision, to the new worker that serves, and from the load's end to the decision for fewer. Then a square
wave whose period is shorter than the cooldown, and the decisions under it. Failed requests are counted over all of it.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.running_stack import RunningStack, serve
from circus_stack.client.stats.records import WatcherStats
from circus_stack.client.stats.sync import StatsClient
from circus_stack.client.subscriber import Subscriber

_APP = """\
import time
def app(environ, start_response):
    time.sleep(0.1)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""
_INI = """\
[server:main]
use = egg:circus-stack
app = slow:app
listen = 127.0.0.1:0
backend = {backend}
monkey = false
workers = 2..6
[watcher:web]
scale_up_when = busy > 80%
scale_down_when = busy < 45%
scale_up_cooldown = {interval}
scale_down_cooldown = {cooldown}
[circus]
statsd = true
stats_interval = {interval}
"""
_PATIENCE_S = 60.0


@dataclass
class Seen:
    """Moments, seconds since the epoch: of samples with every worker busy, of decisions with their numbers, and of new
    workers that serve."""

    full: list[float] = field(default_factory=list)
    decisions: list[tuple[float, int, int]] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)


@dataclass
class Load:
    """Clients that ask again and again, each on a new connection; `failed` has a line a failed request."""

    port: int
    requests: int = 0
    failed: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def clients(self, count: int) -> Iterator[None]:
        """So many requests under way all the time, for the length of the block."""
        over = threading.Event()
        threads = [threading.Thread(target=self._ask_again, args=(over,), daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join(_PATIENCE_S)

    def _ask_again(self, over: threading.Event) -> None:
        while not over.is_set():
            try:
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as client:
                    client.request("GET", "/", headers={"Connection": "close"})
                    status = client.getresponse().status
            except OSError as error:
                self.failed.append(repr(error))
            else:
                self.requests += 1
                self.failed += [] if status == 200 else [str(status)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between samples")
    parser.add_argument("--cooldown", type=float, default=6.0, help="scale_down_cooldown in seconds")
    parser.add_argument("--waves", type=int, default=6, help="periods of the square wave")
    parser.add_argument("--backend", default="gevent", choices=("gevent", "fastgevent", "wsgiref"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="csb") as folder:
        (Path(folder) / "slow.py").write_text(_APP)
        ini = Path(folder) / "app.ini"
        ini.write_text(_INI.format(interval=given.interval, cooldown=given.cooldown, backend=given.backend))
        with serve(str(ini), cwd=Path(folder), environ={"PYTHONPATH": folder}) as stack:
            _measure(stack, given)


def _measure(stack: RunningStack, given: argparse.Namespace) -> None:
    seen, load = Seen(), Load(stack.port)
    with _watching(stack, seen), load.clients(1):
        time.sleep(max(3.0, 5 * given.interval))
        began = time.time()
        with load.clients(1):
            _wait_for(lambda: seen.ready, "another worker")
        ended = time.time()
        _print_reaction(seen, began, given.interval)
        _wait_for(lambda: seen.decisions[1:], "the decision for fewer")
        print(f"load ends    -> fewer: {seen.decisions[1][0] - ended:.2f} s (cooldown {given.cooldown:g} s)")
        _square_wave(seen, load, given)
    print(f"requests {load.requests}, failed {len(load.failed)} {' '.join(load.failed[:3])}")


def _print_reaction(seen: Seen, began: float, interval: float) -> None:
    stands = next((at for at in seen.full if at >= began), began)
    decided, up = seen.decisions[0][0], seen.ready[0]
    for name, seconds in (
        ("load doubles -> figure stands", stands - began),
        ("figure       -> decision", decided - stands),
        ("decision     -> worker serves", up - decided),
        ("load doubles -> worker serves", up - began),
    ):
        print(f"{name:30} {seconds:5.2f} s = {seconds / interval:.1f} intervals")


def _square_wave(seen: Seen, load: Load, given: argparse.Namespace) -> None:
    half_s = given.cooldown / 3
    before = len(seen.decisions)
    for _ in range(given.waves):
        with load.clients(3):
            time.sleep(half_s)
        time.sleep(half_s)
    made = [(old, new) for _, old, new in seen.decisions[before:]]
    turns = sum((first[1] > first[0]) != (second[1] > second[0]) for first, second in pairwise(made))
    print(f"square wave  {given.waves} periods of {2 * half_s:g} s: {len(made)} decisions {made}, {turns} turns")


@contextlib.contextmanager
def _watching(stack: RunningStack, seen: Seen) -> Iterator[None]:
    """Fill in what is seen, until the end of the block."""
    over = threading.Event()
    events = stack.events("watcher.web.")
    stats = StatsClient.connect(stack.endpoint)
    threads = [
        threading.Thread(target=_follow, args=(events, seen, over), daemon=True),
        threading.Thread(target=_sample, args=(stats, seen, over), daemon=True),
    ]
    events.join(_PATIENCE_S)
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(_PATIENCE_S)
        events.close()
        stats.close()


def _follow(events: Subscriber, seen: Seen, over: threading.Event) -> None:
    while not over.is_set():
        message = events.receive(0.2)
        if message is not None:
            _note(message[0].rpartition(".")[2], message[1], seen)


def _note(event: str, fields: Any, seen: Seen) -> None:
    if event == "scaled":
        seen.decisions.append((float(fields["time"]), int(fields["old"]), int(fields["new"])))
    elif event == "ready" and seen.decisions:
        seen.ready.append(float(fields["time"]))


def _sample(stats: StatsClient, seen: Seen, over: threading.Event) -> None:
    with stats.subscribe("web") as records:
        while not over.is_set():
            record = records.receive(0.2)
            if isinstance(record, WatcherStats) and record.time and record.figures.busy == len(record.pids) > 0:
                seen.full.append(record.time)


def _wait_for(condition: Any, what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {_PATIENCE_S:g} s in vain for {what}")
        time.sleep(0.02)


if __name__ == "__main__":
    main()
