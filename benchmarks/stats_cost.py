"""What circusd-stats costs beside many idle processes: its CPU, its memory and how late its ticks are.

`python -m benchmarks.stats_cost --processes 1000 --seconds 30` starts a stack of its own, measures once with nobody
subscribed and once with one subscriber to everything, and prints a line each.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from circus_stack.client.subscriber import Subscriber
from circus_stack.client.sync import Client
from circus_stack.errors import CallError

_PATIENCE_S = 120.0


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processes", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=30.0)
    wanted = parser.parse_args()
    # ipc paths end at 107 bytes.
    with tempfile.TemporaryDirectory(prefix="cs", dir="/tmp") as directory:
        _measure(Path(directory), wanted.processes, wanted.seconds)


def _measure(base: Path, processes: int, seconds: float) -> None:
    ini = base / "stats.ini"
    ini.write_text(
        f"[circus]\nendpoint = ipc://{base}/c\npubsub_endpoint = ipc://{base}/e\nstats_endpoint = ipc://{base}/s\n"
        f"stats_query_endpoint = ipc://{base}/q\nstatsd = true\nstate_dir = {base}/state\n"
        f"[watcher:idle]\ncmd = sleep 100000\nnumprocesses = {processes}\n"
    )
    program = "from circus_stack.cli.entry import circusd; circusd()"
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(base)}
    arbiter = subprocess.Popen(
        [sys.executable, "-c", program, str(ini)], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        pid = _wait_for_all(base, processes)
        print(f"{processes} processes, nobody subscribed: {_watch(base, pid, seconds)}", flush=True)
        stop = threading.Event()
        reader = threading.Thread(target=_read, args=(f"ipc://{base}/s", stop))
        reader.start()
        time.sleep(1.0)
        print(f"{processes} processes, one subscriber to all: {_watch(base, pid, seconds)}", flush=True)
        stop.set()
        reader.join()
    finally:
        arbiter.send_signal(signal.SIGTERM)
        arbiter.wait()


def _wait_for_all(base: Path, processes: int) -> int:
    """The pid of circusd-stats, once all processes are sampled."""
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            with Client(f"ipc://{base}/q", timeout_s=2.0) as client:
                total = client.call("snapshot")["total"]
            if total["processes"] == processes:
                with Client(f"ipc://{base}/c") as client:
                    return int(client.call("list", name="circusd-stats")["pids"][0])
        except CallError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"{processes} processes did not come up within {_PATIENCE_S:g} s")


def _watch(base: Path, pid: int, seconds: float) -> str:
    process = psutil.Process(pid)
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(seconds)
    percent = 100 * (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
    resident = process.memory_info().rss / 2**20
    with Client(f"ipc://{base}/q") as client:
        latest_ms = 1000 * client.call("snapshot")["latest_s"]
    return f"{percent:.2f} % of one core, {resident:.1f} MiB, no tick later than {latest_ms:.1f} ms so far"


def _read(endpoint: str, stop: threading.Event) -> None:
    with Subscriber(endpoint, ("stat.",)) as subscriber:
        while not stop.is_set():
            subscriber.receive(0.5)


if __name__ == "__main__":
    main()
