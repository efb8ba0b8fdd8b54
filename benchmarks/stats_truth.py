"""Whether CPU is told as it is: processes that burn a set share of a core, and what circusd-stats says of them.

`python -m benchmarks.stats_truth --share 30 --seconds 20` starts a stack of its own, and prints a line with one client
that asks without a pause, and one with ten. On a quiet machine each figure is within 2 of the share.
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
from collections.abc import Callable
from pathlib import Path
from typing import Any

from circus_stack.client.subscriber import Subscriber
from circus_stack.client.sync import Client
from circus_stack.errors import CallError

_PATIENCE_S = 60.0
_PROCESSES = 2
_BURN = """\
import sys, time
share, began = float(sys.argv[1]) / 100, time.monotonic()
while True:
    while time.process_time() < share * (time.monotonic() - began): pass
    time.sleep(0.02)
"""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=30.0, help="percent of one core that each process burns")
    parser.add_argument("--seconds", type=float, default=20.0)
    wanted = parser.parse_args()
    # ipc paths end at 107 bytes.
    with tempfile.TemporaryDirectory(prefix="cs", dir="/tmp") as directory:
        _measure(Path(directory), wanted.share, wanted.seconds)


def _measure(base: Path, share: float, seconds: float) -> None:
    (base / "burn.py").write_text(_BURN)
    ini = base / "stats.ini"
    ini.write_text(
        f"[circus]\nendpoint = ipc://{base}/c\npubsub_endpoint = ipc://{base}/e\nstats_endpoint = ipc://{base}/s\n"
        f"stats_query_endpoint = ipc://{base}/q\nstatsd = true\n"
        f"[watcher:burn]\ncmd = {sys.executable} {base}/burn.py {share:g}\nnumprocesses = {_PROCESSES}\n"
    )
    program = "from circus_stack.cli.entry import circusd; circusd()"
    arbiter = subprocess.Popen(
        [sys.executable, "-c", program, str(ini)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(base)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for_all(base)
        for clients in (1, 10):
            told = _while_asked(base, clients, lambda: _listen(base, seconds))
            print(f"{clients} clients: {_summary(told)}", flush=True)
    finally:
        arbiter.send_signal(signal.SIGTERM)
        arbiter.wait()


def _wait_for_all(base: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        try:
            with Client(f"ipc://{base}/q", timeout_s=2.0) as client:
                if client.call("snapshot")["total"]["processes"] == _PROCESSES:
                    # What a first sample tells is an average since the start, and a start burns what it likes.
                    time.sleep(3.0)
                    return
        except CallError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"the processes did not come up within {_PATIENCE_S:g} s")


def _while_asked(base: Path, clients: int, measure: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    stop = threading.Event()

    def ask() -> None:
        with Client(f"ipc://{base}/q", timeout_s=_PATIENCE_S) as client:
            while not stop.is_set():
                client.call("snapshot")
                time.sleep(0.01)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for each in threads:
        each.start()
    try:
        return measure()
    finally:
        stop.set()
        for each in threads:
            each.join()


def _listen(base: Path, seconds: float) -> list[dict[str, Any]]:
    """What was said of the processes."""
    found = []
    deadline = time.monotonic() + seconds
    with Subscriber(f"ipc://{base}/s", ("stat.burn.",)) as subscriber:
        while (left := deadline - time.monotonic()) > 0:
            message = subscriber.receive(left)
            if message is not None:
                found.append(message[1])
    return found


def _summary(told: list[dict[str, Any]]) -> str:
    shares = [each["cpu"] for each in told]
    if not shares:
        return "nothing was told"
    mean = sum(shares) / len(shares)
    return f"{mean:.2f} % of one core, each of {len(shares)} figures between {min(shares):.2f} and {max(shares):.2f}"


if __name__ == "__main__":
    main()
