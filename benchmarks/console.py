"""What the web console costs beside 175 processes while ten browsers look: processor, memory, and how that grows.

    python -m benchmarks.console [--processes 175] [--browsers 10] [--seconds 60] [--warm-up 60] [--lines 5000]

Each browser follows the figures of all watchers and of every process of one, and the events; then one of them also
follows the lines of a program that writes so many a second. The limits are those of the issue "Console"; the exit
status is 1 where one of them is missed.
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
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import socketio

from .running_stack import BIN, RunningStack, serve

_INI = """
[circus]
statsd = true
httpd = false

[watcher:many]
cmd = sleep 100000
numprocesses = {processes}
copy_env = true

[watcher:talk]
cmd = {python} {talk}
autostart = false
copy_env = true
"""
# So many lines each tenth of a second.
_TALK = """\
import sys, time
line = "a line of sixty characters that a program writes again and again\\n"
while True:
    sys.stdout.write(line * int(sys.argv[1]))
    sys.stdout.flush()
    time.sleep(0.1)
"""
_CPU_PERCENT, _MEMORY_MIB, _SLOPE_KIB_PER_MIN = 15.0, 100.0, 50.0
_PATIENCE_S = 30.0
_CURVE_S = 15


@dataclass
class Browser:
    """One connection, and what it has heard."""

    client: socketio.Client
    ticks: int = 0
    lines: int = 0
    dropped: int = 0
    delays: list[float] = field(default_factory=list)

    def follow(self, **wanted: Any) -> None:
        found = self.client.call("follow", wanted, timeout=_PATIENCE_S)
        if not found["ok"]:
            raise RuntimeError(str(found))


def browser(port: int, token: str) -> Browser:
    """Connected, by websocket."""
    made = Browser(socketio.Client(reconnection=False))

    def ticked(data: dict[str, Any]) -> None:
        made.ticks += 1
        made.delays.append(time.time() - data["time"])

    def lines(data: dict[str, Any]) -> None:
        made.lines += len(data["lines"])
        made.dropped += data["dropped"]

    made.client.on("stats", ticked)
    made.client.on("logs", lines)
    headers = {"Authorization": f"Bearer {token}"}
    made.client.connect(f"http://127.0.0.1:{port}", headers=headers, transports=["websocket"], wait_timeout=_PATIENCE_S)
    return made


@contextlib.contextmanager
def console(stack: RunningStack, home: Path) -> Iterator[tuple[psutil.Process, int, str]]:
    """circushttpd beside a stack: its process, its port, and a token."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    place = ["--state-dir", str(home / "console")]
    token = subprocess.run(
        [str(BIN / "circus-stack"), "token", "add", "bench", *place], capture_output=True, text=True, check=True
    ).stdout.strip()
    words = [str(BIN / "circushttpd"), "--endpoint", stack.endpoint, "--port", str(port), *place]
    with (home / "console.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_listening(port, process, home / "console.log")
        yield psutil.Process(process.pid), port, token
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"the console does not answer:\n{log.read_text(errors='replace')}")


@dataclass(frozen=True)
class Cost:
    """Percent of one processor, MiB at the end, and KiB that came to it each minute, by least squares; `curve_kib` is
    the memory every _CURVE_S seconds."""

    cpu_percent: float
    memory_mib: float
    slope_kib_per_min: float
    curve_kib: tuple[int, ...]


def measure(process: psutil.Process, seconds: float) -> Cost:
    """What a process uses for so many seconds."""
    began, before = time.monotonic(), sum(process.cpu_times()[:2])
    samples = []
    while time.monotonic() - began < seconds:
        time.sleep(1.0)
        samples.append((time.monotonic() - began, process.memory_info().rss))
    used = sum(process.cpu_times()[:2]) - before
    curve = tuple(size // 1024 for _, size in samples[::_CURVE_S])
    return Cost(100 * used / (time.monotonic() - began), samples[-1][1] / 2**20, slope(samples) * 60 / 1024, curve)


def slope(samples: list[tuple[float, int]]) -> float:
    """Bytes a second."""
    middle_x = sum(x for x, _ in samples) / len(samples)
    middle_y = sum(y for _, y in samples) / len(samples)
    above = sum((x - middle_x) * (y - middle_y) for x, y in samples)
    below = sum((x - middle_x) ** 2 for x, _ in samples)
    return above / below if below else 0.0


def report(what: str, cost: Cost) -> bool:
    """Print one line; whether all limits are kept."""
    is_met = (
        cost.cpu_percent < _CPU_PERCENT
        and cost.memory_mib < _MEMORY_MIB
        and cost.slope_kib_per_min < _SLOPE_KIB_PER_MIN
    )
    print(
        f"{what:44} {cost.cpu_percent:5.1f} % of a processor (< {_CPU_PERCENT:g})  {cost.memory_mib:5.1f} MiB "
        f"(< {_MEMORY_MIB:g})  {cost.slope_kib_per_min:+7.1f} KiB/min (< {_SLOPE_KIB_PER_MIN:g})  "
        f"{'ok' if is_met else 'MISSED'}",
        flush=True,
    )
    print(f"{'':44} KiB every {_CURVE_S} s: {' '.join(str(each) for each in cost.curve_kib)}", flush=True)
    return is_met


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--processes", type=int, default=175)
    parser.add_argument("--browsers", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--warm-up", type=float, default=60.0)
    parser.add_argument("--lines", type=int, default=5000)
    options = parser.parse_args()
    os.environ["CIRCUS_STACK_STATSD"] = "1"
    with tempfile.TemporaryDirectory(prefix="csc") as directory, contextlib.ExitStack() as teardown:
        home = Path(directory)
        (home / "talk.py").write_text(_TALK)
        talk = f"{home / 'talk.py'} {max(1, options.lines // 10)}"
        ini = home / "app.ini"
        ini.write_text(_INI.format(processes=options.processes, python=sys.executable, talk=talk))
        stack = teardown.enter_context(serve(str(ini), cwd=home))
        process, port, token = teardown.enter_context(console(stack, home))
        browsers = [browser(port, token) for _ in range(options.browsers)]
        for each in browsers:
            teardown.callback(each.client.disconnect)
            each.follow(stats=True, processes=["many"], events={"since": -1})
        # What is imported and cached with the first ticks is no growth, nor is what is remembered and not full yet.
        time.sleep(options.warm_up)
        results = [
            report(f"{options.processes} processes, {len(browsers)} browsers", measure(process, options.seconds))
        ]
        delays = sorted(delay for each in browsers for delay in each.delays)
        print(
            f"{'from a tick to a browser':44} {1000 * delays[len(delays) // 2]:5.1f} ms in the middle of {len(delays)}"
        )
        with stack.client() as client:
            client.call("start", name="talk", waiting=True)
        browsers[0].follow(stats=True, processes=["many"], events={"since": -1}, logs={"watcher": "talk", "lines": 0})
        time.sleep(options.warm_up / 2)
        before = browsers[0].lines
        cost = measure(process, options.seconds / 2)
        told = (browsers[0].lines - before) / (options.seconds / 2)
        report(f"the same, and {options.lines} lines/s to one of them", cost)
        print(f"{'lines that came':44} {told:5.0f} a second, {browsers[0].dropped} were dropped")
        lost = sum(not each.client.connected for each in browsers)
        if lost:
            print(f"{lost} of {len(browsers)} browsers were lost: the figures are those of the others")
    return 0 if all(results) and not lost else 1


if __name__ == "__main__":
    sys.exit(main())
