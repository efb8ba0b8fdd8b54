"""A thousand processes under one `circusd`: how fast they come up, are replaced and go, and what they cost meanwhile.

    python -m benchmarks.processes [--count 1000] [--rounds 3] [--kills 41] [--idle 10] [--deaf 30]

Beside the arbiter's start of all processes stands a bare loop of `os.posix_spawn`, taken in turn with it, so that the
machine's mood hits both alike. Everything else is measured through the arbiter's own endpoints, as any client would.
The limits are those of the issue "Circus"; the exit status is 1 where one of them is missed. On a machine that others
use, too, root can run it as `chrt -r 10 python -m benchmarks.processes`: what waits for a processor then is not ours.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from circus_stack.client.sync import Client

from .running_stack import RunningStack, circusd, median

_INI = """
[circus]
endpoint = ipc://{home}/c
pubsub_endpoint = ipc://{home}/p

[watcher:many]
cmd = sleep 100000
numprocesses = {count}
autostart = False

[watcher:deaf]
cmd = sh -c "trap '' TERM; exec sleep 100000"
graceful_timeout = {deaf_s}
"""
_FEW = 175
# Between two requests of the client that asks while a watcher stops: 200 a second.
_PAUSE_S = 0.005


@dataclass(frozen=True)
class Row:
    """One line of the table; without a limit it is for information."""

    what: str
    figure: float
    unit: str
    limit: float | None = None
    note: str = ""

    @property
    def is_missed(self) -> bool:
        return self.limit is not None and self.figure > self.limit

    def __str__(self) -> str:
        limit = "" if self.limit is None else f"<= {self.limit:g} {self.unit}"
        verdict = "" if self.limit is None else "MISSED" if self.is_missed else "ok"
        return f"{self.what:46} {self.figure:9.2f} {self.unit:4} {limit:12} {verdict:6} {self.note}"


def bare_spawn_s(count: int) -> float:
    """Seconds that a loop of posix_spawn needs for so many processes; they are gone when this returns."""
    argv, env = ["sleep", "100000"], dict(os.environ)
    began = time.monotonic()
    pids = [os.posix_spawn("/bin/sleep", argv, env) for _ in range(count)]
    took = time.monotonic() - began
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        os.waitpid(pid, 0)
    return took


def timed_s(client: Client, command: str, **properties: object) -> float:
    """Seconds from a request to its reply."""
    began = time.monotonic()
    client.call(command, **properties)
    return time.monotonic() - began


def start_and_stop(stack: RunningStack, count: int, rounds: int) -> Iterator[Row]:
    """All up beside the bare loop, all down; the last round leaves them running."""
    bare, up, down = [], [], []
    with stack.client() as client:
        for number in range(rounds):
            bare.append(bare_spawn_s(count))
            up.append(timed_s(client, "start", name="many", waiting=True))
            time.sleep(1.0)
            if number < rounds - 1:
                down.append(timed_s(client, "stop", name="many", waiting=True))
    ratios = [mine / theirs for mine, theirs in zip(up, bare, strict=True)]
    note = f"{median(up):.2f} s beside {median(bare):.2f} s, each round: {' '.join(f'{each:.2f}' for each in ratios)}"
    yield Row(f"{count} up, against a bare loop", median(ratios), "x", 1.5, note)
    if down:
        yield Row(f"{count} stopped", median(down), "s", 1.0, f"medians of {len(down)}")


def respawn(stack: RunningStack, count: int, kills: int) -> Row:
    """From kill -9 of a process until this program hears of its successor's spawn."""
    took = []
    with stack.events("watcher.many.spawn") as events:
        if not events.join(5.0):
            raise RuntimeError("no events")
        victims = stack.pids("many")
        for victim in victims[:: max(1, len(victims) // kills)][:kills]:
            began = time.monotonic()
            os.kill(victim, signal.SIGKILL)
            if events.receive(10.0) is None:
                raise RuntimeError(f"no successor:\n{stack.log.read_text()}")
            took.append((time.monotonic() - began) * 1000)
            time.sleep(0.02)
    note = f"medians of {len(took)}, worst {max(took):.1f} ms"
    return Row(f"respawn after kill -9 at {count}", median(took), "ms", 20.0, note)


def idle(stack: RunningStack, seconds: float) -> Iterator[Row]:
    """CPU and memory of the arbiter while nothing happens."""
    arbiter = psutil.Process(stack.pid)
    before = arbiter.cpu_times()
    time.sleep(seconds)
    after = arbiter.cpu_times()
    used = (after.user + after.system) - (before.user + before.system)
    yield Row("arbiter when idle, CPU", 100 * used / seconds, "%", 1.0, f"over {seconds:g} s")
    yield Row("arbiter, resident", arbiter.memory_info().rss / 2**20, "MiB", 60.0, f"{arbiter.num_fds()} descriptors")


def control_path(stack: RunningStack, times: int = 50) -> Iterator[Row]:
    """What a client waits for an answer about a watcher with so many processes."""
    with stack.client() as client:
        for command, name in (
            ("list", None),
            ("status", None),
            ("list", "many"),
            ("status", "many"),
            ("stats", "many"),
        ):
            properties = {} if name is None else {"name": name}
            took = [timed_s(client, command, **properties) * 1000 for _ in range(5 if command == "stats" else times)]
            yield Row(f"{command} {name or ''}".strip(), median(took), "ms", note=f"worst {max(took):.1f} ms")


def beside_a_deaf_stop(stack: RunningStack, seconds: float) -> Row:
    """`list` while a watcher that ignores SIGTERM is stopped, and beforehand for as long: the machine's own part."""
    with stack.client() as client, stack.client() as asking:
        until = time.monotonic() + seconds
        alone = p99(ask_until(asking, lambda: time.monotonic() > until))
        stop = client.begin("stop", {"name": "deaf", "waiting": True})
        took = ask_until(asking, lambda: client.reply(stop, 0) is not None)
    note = f"{len(took)} answers, median {median(took):.2f} ms, worst {max(took):.1f} ms; p99 without it {alone:.2f} ms"
    return Row("list while a deaf watcher stops, p99", p99(took), "ms", 5.0, note)


def ask_until(client: Client, is_over: Callable[[], bool]) -> list[float]:
    """Milliseconds of each `list` until then."""
    took = []
    while not is_over():
        took.append(timed_s(client, "list") * 1000)
        time.sleep(_PAUSE_S)
    return took


def p99(values: Sequence[float]) -> float:
    """The value that 99 of 100 do not exceed."""
    return sorted(values)[int(len(values) * 0.99)]


def whole_start(home: Path, count: int) -> Row:
    """From the start of the program, its imports included, until all processes are up; then it ends them."""
    ini = home / "whole.ini"
    ini.write_text(
        _INI.format(home=home, count=count, deaf_s=1).replace("autostart = False", "").split("[watcher:deaf")[0]
    )
    began = time.monotonic()
    with circusd(ini) as stack, stack.client() as client:
        while client.call("status", name="many")["status"] != "active":
            time.sleep(0.01)
        return Row(f"circusd from its start to {count} up", time.monotonic() - began, "s")


def measure(home: Path, options: argparse.Namespace) -> Iterator[Row]:
    """All rows, in the order in which they can be measured."""
    yield whole_start(home, options.count)
    ini = home / "few.ini"
    ini.write_text(_INI.format(home=home, count=_FEW, deaf_s=options.deaf))
    with circusd(ini) as stack:
        with stack.client() as client:
            client.call("start", name="many", waiting=True)
        time.sleep(1.0)
        yield respawn(stack, _FEW, options.kills)
        yield from idle(stack, options.idle)
    ini.write_text(_INI.format(home=home, count=options.count, deaf_s=options.deaf))
    with circusd(ini) as stack:
        yield from start_and_stop(stack, options.count, options.rounds)
        yield respawn(stack, options.count, options.kills)
        yield from idle(stack, options.idle)
        yield from control_path(stack)
        yield beside_a_deaf_stop(stack, options.deaf)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--kills", type=int, default=41)
    parser.add_argument("--idle", type=float, default=10.0)
    parser.add_argument("--deaf", type=float, default=30.0)
    options = parser.parse_args(arguments)
    missed = False
    with tempfile.TemporaryDirectory(prefix="csb") as home:
        for row in measure(Path(home), options):
            print(row, flush=True)
            missed |= row.is_missed
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
