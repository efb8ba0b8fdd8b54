"""How fast the lines of one process reach a file: ours, beside `cat` and supervisord.

    python -m benchmarks.log_throughput [--megabytes 200] [--line 100] [--rounds 5] [--time-format F]
                                        [--listener] [--supervisord PATH | --no-supervisord]

The contestants take turns, each round writes the same lines from the same program; the medians are shown, and the ratio
to supervisord. `time` is from the start of the writer until the file is complete, `cpu` what the process between pipe
and file used. The lines of the file are counted afterwards. supervisord is installed into an environment of its own,
under the user's cache directory, unless one is named. With --listener a subscriber follows the lines meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq

from benchmarks import supervisord
from benchmarks.suite.managers.manager import WRITER
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import StreamConfig
from circus_stack.control.log_publisher import LogPublisher
from circus_stack.streams.capture import Capture
from circus_stack.streams.streams import Streams
from circus_stack.streams.tail import LiveTail

MEGABYTE = 1_000_000
SUPERVISORD = "supervisord"
DEADLINE_S = 120.0

# Reads as `logs -f` does, and shows nothing.
_FOLLOWER = """
import sys
from circus_stack.client.loglines import LogJoin
from circus_stack.client.subscriber import LOGS_QUEUE, Subscriber
subscriber, join = Subscriber(sys.argv[1], ["logs."], queue_length=LOGS_QUEUE), LogJoin()
subscriber.join(60)
print("joined", flush=True)
for _, message in subscriber:
    join.follow(message)
"""


@dataclass(frozen=True)
class Load:
    """What the writer writes: `size` bytes in lines of `width`."""

    size: int
    width: int

    def command(self) -> list[str]:
        """The writer."""
        return [sys.executable, "-S", "-c", WRITER, str(self.size), str(self.width)]


@dataclass(frozen=True)
class Result:
    """Seconds from start to complete file, and seconds of CPU."""

    time_s: float
    cpu_s: float


def run_ours(load: Load, path: Path, time_format: str, *, is_followed: bool = False) -> Result:
    """Capture, lane and file sink of circus_stack.streams, in this process."""
    options = {"filename": str(path)} | ({"time_format": time_format} if time_format else {})
    watcher = WatcherConfig(name="load", stdout_stream=StreamConfig("FileStream", options))
    return asyncio.run(_capture(load, watcher, is_followed=is_followed))


async def _capture(load: Load, watcher: WatcherConfig, *, is_followed: bool) -> Result:
    tail = LiveTail()
    streams = Streams(loop=asyncio.get_running_loop(), tail=tail, on_drop=print)
    async with _follower(tail) if is_followed else contextlib.nullcontext():
        capture = streams.open(watcher, 1)
        writer = _start(load, capture)
        # As with supervisord, whose log says when it has spawned the writer.
        cpu, began = _own_cpu_s(), time.perf_counter()
        await asyncio.wait_for(_ended(writer.pid), DEADLINE_S)
        await capture.wait_drained(DEADLINE_S)
        await streams.aclose()
        result = Result(time.perf_counter() - began, _own_cpu_s() - cpu)
        writer.wait()
        return result


async def _ended(pid: int) -> None:
    """`Popen.wait` with a timeout looks every 50 ms."""
    fd = os.pidfd_open(pid)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(fd, ended.set)
    try:
        await ended.wait()
    finally:
        asyncio.get_running_loop().remove_reader(fd)
        os.close(fd)


@contextlib.asynccontextmanager
async def _follower(tail: LiveTail) -> AsyncIterator[None]:
    """A subscriber to all lines, in a process of its own, joined when the block begins."""
    context: zmq.Context[Any] = zmq.Context()
    with tempfile.TemporaryDirectory(prefix="log-follower-") as directory:
        publisher = LogPublisher(tail, endpoint=f"ipc://{directory}/logs", context=context)
        follower = subprocess.Popen(  # noqa: ASYNC220 - before anything is measured
            [sys.executable, "-c", _FOLLOWER, publisher.endpoint], stdout=subprocess.PIPE
        )
        assert follower.stdout is not None
        try:
            await asyncio.wait_for(asyncio.to_thread(follower.stdout.readline), DEADLINE_S)
            yield
        finally:
            publisher.close(0)
            context.term()
            follower.kill()
            follower.communicate()


def _start(load: Load, capture: Capture) -> subprocess.Popen[bytes]:
    writer = subprocess.Popen(load.command(), stdout=capture.stdout_fd, stderr=capture.stderr_fd)
    capture.attach(writer.pid)
    return writer


def _own_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def run_cat(load: Load, path: Path) -> Result:
    """`writer | cat > file`: no framing, no thread, no Python."""
    began = time.perf_counter()
    with path.open("wb") as file, subprocess.Popen(load.command(), stdout=subprocess.PIPE) as writer:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(["cat"], stdin=writer.stdout, stdout=file, check=True, timeout=DEADLINE_S)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    time_s = time.perf_counter() - began
    return Result(time_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def run_supervisord(program: str, load: Load, path: Path) -> Result:
    """supervisord with one program whose stdout goes to a file without rotation."""
    writer = path.with_suffix(".py")
    writer.write_text(WRITER)
    command = f"{sys.executable} -S {writer} {load.size} {load.width}"
    return Result(*supervisord.run(program, command, path, load.size))


def count_lines(path: Path) -> int:
    """Newlines of a file, by wc."""
    return int(subprocess.run(["wc", "-l", str(path)], capture_output=True, check=True).stdout.split()[0])


def main() -> None:
    """Run all contestants in turn and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--line", type=int, default=100, help="bytes a line, newline included")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--supervisord", help="an installed one, in place of our own")
    parser.add_argument("--no-supervisord", action="store_true")
    parser.add_argument("--listener", action="store_true", help="ours once more, with a subscriber that follows")
    parser.add_argument("--time-format", default="", help="prefix each line of ours with the time")
    options = parser.parse_args()
    load = Load(options.megabytes * MEGABYTE // options.line * options.line, options.line)
    contestants = _contestants(options, load)
    results: dict[str, list[Result]] = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name, run in contestants.items():
            results[name].append(_run_once(name, run, load))
    _print(results, load)


def _contestants(options: argparse.Namespace, load: Load) -> dict[str, Callable[[Path], Result]]:
    found: dict[str, Callable[[Path], Result]] = {
        "circus-stack": lambda path: run_ours(load, path, options.time_format),
        "cat": lambda path: run_cat(load, path),
    }
    if options.listener:
        found["followed"] = lambda path: run_ours(load, path, options.time_format, is_followed=True)
    if not options.no_supervisord:
        program = options.supervisord or supervisord.installed()
        found[SUPERVISORD] = lambda path: run_supervisord(program, load, path)
    return found


def _run_once(name: str, run: Callable[[Path], Result], load: Load) -> Result:
    with tempfile.TemporaryDirectory(prefix="log-throughput-") as directory:
        path = Path(directory) / "load.log"
        result = run(path)
        wanted, found = load.size // load.width, count_lines(path)
        if wanted != found:
            raise SystemExit(f"{name}: {found} of {wanted} lines reached the file")
        return result


def _print(results: dict[str, list[Result]], load: Load) -> None:
    print(f"{load.size / MEGABYTE:.0f} MB in {load.size // load.width} lines, all found; medians of {_rounds(results)}")
    medians = {name: _median(rounds) for name, rounds in results.items()}
    for name, result in medians.items():
        speed = load.size / load.width / result.time_s / 1000
        print(f"{name:<14} {result.time_s:6.2f} s  {result.cpu_s:6.2f} s CPU  {speed:7.0f} thousand lines/s", end="")
        if (rival := medians.get(SUPERVISORD)) is not None and name != SUPERVISORD:
            print(f"  {result.time_s / rival.time_s:5.2f} x time, {result.cpu_s / rival.cpu_s:5.2f} x CPU", end="")
        print()


def _rounds(results: dict[str, list[Result]]) -> int:
    return max(map(len, results.values()))


def _median(rounds: list[Result]) -> Result:
    return Result(
        statistics.median(result.time_s for result in rounds), statistics.median(result.cpu_s for result in rounds)
    )


if __name__ == "__main__":
    main()
