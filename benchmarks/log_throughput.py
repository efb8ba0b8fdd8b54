"""How fast the lines of one process reach a file: ours, beside `cat` and, where it is installed, supervisord.

    python -m benchmarks.log_throughput [--megabytes 200] [--line 100] [--rounds 3] [--time-format F]
                                        [--supervisord PATH]

Each round writes the same lines from the same program. `time` is from the start of the writer until the file is
complete, `cpu` what the process between pipe and file used. The file is checked line by line afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import StreamConfig
from circus_stack.streams.capture import Capture
from circus_stack.streams.streams import Streams
from circus_stack.streams.tail import LiveTail

MEGABYTE = 1_000_000
DEADLINE_S = 120.0

_WRITER = """
import os, sys
size, width = int(sys.argv[1]), int(sys.argv[2])
line = b"x" * (width - 1) + b"\\n"
block = line * max(1, 65536 // width)
left = size
while left > 0:
    left -= os.write(1, block[:left])
"""


@dataclass(frozen=True)
class Load:
    """What the writer writes: `size` bytes in lines of `width`."""

    size: int
    width: int

    def command(self) -> list[str]:
        """The writer."""
        return [sys.executable, "-S", "-c", _WRITER, str(self.size), str(self.width)]


@dataclass(frozen=True)
class Result:
    """Seconds from start to complete file, and seconds of CPU."""

    time_s: float
    cpu_s: float


def run_ours(load: Load, path: Path, time_format: str) -> Result:
    """Capture, lane and file sink of circus_stack.streams, in this process."""
    options = {"filename": str(path)} | ({"time_format": time_format} if time_format else {})
    watcher = WatcherConfig(name="load", stdout_stream=StreamConfig("FileStream", options))
    return asyncio.run(_capture(load, watcher))


async def _capture(load: Load, watcher: WatcherConfig) -> Result:
    streams = Streams(loop=asyncio.get_running_loop(), tail=LiveTail(), on_drop=print)
    cpu, began = _own_cpu_s(), time.perf_counter()
    capture = streams.open(watcher, 1)
    writer = _start(load, capture)
    await asyncio.to_thread(writer.wait, DEADLINE_S)
    await capture.wait_drained(DEADLINE_S)
    await streams.aclose()
    return Result(time.perf_counter() - began, _own_cpu_s() - cpu)


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


_SUPERVISORD = """
[supervisord]
nodaemon = true
logfile = {directory}/supervisord.log
pidfile = {directory}/supervisord.pid
[program:load]
command = {command}
startsecs = 0
autorestart = false
stdout_logfile = {path}
stdout_logfile_maxbytes = 0
"""


def run_supervisord(program: str, load: Load, path: Path) -> Result:
    """supervisord with one program whose stdout goes to a file without rotation."""
    config = path.with_suffix(".conf")
    writer = path.with_suffix(".py")
    writer.write_text(_WRITER)
    command = f"{sys.executable} -S {writer} {load.size} {load.width}"
    config.write_text(_SUPERVISORD.format(directory=path.parent, path=path, command=command))
    with subprocess.Popen([program, "-c", str(config)], stdout=subprocess.DEVNULL) as daemon:
        try:
            log = path.with_name("supervisord.log")
            _wait(lambda: log.exists() and "spawned" in log.read_text())
            began, cpu = time.perf_counter(), _cpu_of(daemon.pid)
            _wait(lambda: path.exists() and path.stat().st_size >= load.size)
            return Result(time.perf_counter() - began, _cpu_of(daemon.pid) - cpu)
        finally:
            daemon.terminate()
            daemon.wait(DEADLINE_S)


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + DEADLINE_S
    while not condition():
        if time.perf_counter() > deadline:
            raise TimeoutError("the load was not written in time")
        time.sleep(0.001)


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def count_lines(path: Path) -> int:
    """Newlines of a file, by wc."""
    return int(subprocess.run(["wc", "-l", str(path)], capture_output=True, check=True).stdout.split()[0])


def main() -> None:
    """Run all contestants in turn and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--line", type=int, default=100, help="bytes a line, newline included")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--supervisord", default=shutil.which("supervisord"))
    parser.add_argument("--time-format", default="", help="prefix each line of ours with the time")
    options = parser.parse_args()
    load = Load(options.megabytes * MEGABYTE // options.line * options.line, options.line)
    contestants: dict[str, Callable[[Path], Result]] = {
        "circus-stack": lambda path: run_ours(load, path, options.time_format),
        "cat": lambda path: run_cat(load, path),
    }
    if options.supervisord:
        contestants["supervisord"] = lambda path: run_supervisord(options.supervisord, load, path)
    results: dict[str, list[Result]] = {name: [] for name in contestants}
    for _ in range(options.rounds):
        for name, run in contestants.items():
            results[name].append(_run_once(name, run, load))
    _print(results, load)


def _run_once(name: str, run: Callable[[Path], Result], load: Load) -> Result:
    with tempfile.TemporaryDirectory(prefix="log-throughput-") as directory:
        path = Path(directory) / "load.log"
        result = run(path)
        wanted, found = load.size // load.width, count_lines(path)
        if wanted != found:
            raise SystemExit(f"{name}: {found} of {wanted} lines reached the file")
        return result


def _print(results: dict[str, list[Result]], load: Load) -> None:
    print(f"{load.size / MEGABYTE:.0f} MB in lines of {load.width} bytes; medians")
    for name, rounds in results.items():
        time_s = statistics.median(result.time_s for result in rounds)
        cpu_s = statistics.median(result.cpu_s for result in rounds)
        speed = load.size / MEGABYTE / time_s
        print(f"{name:<14} {time_s:6.2f} s  {cpu_s:6.2f} s CPU  {speed:7.0f} MB/s")


if __name__ == "__main__":
    main()
