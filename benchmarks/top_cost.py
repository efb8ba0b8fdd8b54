"""What circus-top costs beside many processes: how soon it shows them, and its share of one core from then on.

    python -m benchmarks.top_cost [--processes 200] [--seconds 15] [--columns 200] [--rows 50] [--limit 3.0]

It runs in a terminal of its own (tmux). On a machine that others use, too, root can run it as `chrt -r 10 python -m
benchmarks.top_cost`. The exit status is 1 where it takes more than --limit percent of one core, or a second to begin.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

from circus_stack.client.sync import Client
from circus_stack.errors import CallError

from .running_stack import BIN, circusd, median

_PATIENCE_S = 60.0
_BEGIN_S = 1.0
_STARTS = 3


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--processes", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--columns", type=int, default=200)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--limit", type=float, default=3.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="csb", dir="/tmp") as directory:
        base = Path(directory)
        ini = base / "many.ini"
        ini.write_text(
            f"[circus]\nendpoint = ipc://{base}/c\npubsub_endpoint = ipc://{base}/e\nstats_endpoint = ipc://{base}/s\n"
            f"stats_query_endpoint = ipc://{base}/q\nstatsd = true\nstate_dir = {base}/state\n"
            f"[watcher:idle]\ncmd = sleep 100000\nnumprocesses = {options.processes}\n"
        )
        with circusd(ini, {"XDG_RUNTIME_DIR": str(base)}):
            _wait(lambda: _sampled(base) == options.processes, "all processes")
            return _measure(base, options)


def _sampled(base: Path) -> int:
    try:
        with Client(f"ipc://{base}/q", timeout_s=2.0) as client:
            return int(client.call("snapshot")["total"]["processes"])
    except CallError:
        return 0


def _measure(base: Path, options: argparse.Namespace) -> int:
    begun = []
    percent = resident = 0.0
    for attempt in range(_STARTS):
        with _terminal(base / f"tmux-{attempt}", options) as screen:
            began = time.monotonic()
            screen("respawn-pane", "-k", _command(base))
            _wait(lambda: f"/{options.processes}" in screen("capture-pane", "-p"), "the first rows")
            begun.append(time.monotonic() - began)
            if attempt == _STARTS - 1:
                percent, resident = _watch(int(screen("display-message", "-p", "#{pane_pid}")), options.seconds)
    print(
        f"{options.processes} processes at {options.columns}x{options.rows}: rows after {median(begun):.2f} s "
        f"(median of {_STARTS}), then {percent:.2f} % of one core, {resident:.0f} MiB"
    )
    return 0 if percent <= options.limit and median(begun) <= _BEGIN_S else 1


def _command(base: Path) -> str:
    endpoint = shlex.quote(f"ipc://{base}/c")
    return f"exec env TERM=xterm-256color LANG=C.UTF-8 {BIN / 'circus-top'} --remote {endpoint}"


def _watch(pid: int, seconds: float) -> tuple[float, float]:
    """(percent of one core, MiB resident), after a moment in which it settles."""
    time.sleep(2.0)
    process = psutil.Process(pid)
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    percent = 100 * (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
    return percent, process.memory_info().rss / 2**20


@contextlib.contextmanager
def _terminal(socket: Path, options: argparse.Namespace) -> Iterator[Callable[..., str]]:
    """A terminal of tmux's; what is yielded runs its commands."""
    env = {name: value for name, value in os.environ.items() if name != "TMUX"}

    def tmux(*words: str) -> str:
        argv = ["tmux", "-S", str(socket), *words]
        return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30, env=env).stdout

    size = ["-x", str(options.columns), "-y", str(options.rows)]
    tmux("-f", "/dev/null", "new-session", "-d", *size, "sleep 3600")
    try:
        yield tmux
    finally:
        tmux("kill-server")


def _wait(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {_PATIENCE_S:g} s in vain for {what}")
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
