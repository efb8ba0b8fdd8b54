"""Whether kill -9 of the arbiter loses anything: requests, workers or log lines, with a restart and adoption each time.

    python -m benchmarks.kill_under_load [--backend NAME] [--kills 10] [--close] [--confined]

wrk loads the served app with 32 connections from before the first kill until after the last adoption; two processes
more write numbered lines all the time. `--confined`, as root: no arbiter has CAP_SYS_PTRACE, and all processes hide
themselves, so that the fd keeper has to give everything back. Prints a line a kill, and what was lost in all; exit
status 1 if anything was.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from circus_stack.client.discovery import find_stacks
from circus_stack.client.sync import Client

from .running_stack import BIN, median
from .wrk import wrk

_PATIENCE_S = 60.0
_CONFINED = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
_HIDE = "import ctypes\nctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n"
_APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""
_NUMBERS = """
import itertools, os, signal, time
ends = []
signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
for number in itertools.count():
    os.write(1, f"{os.getpid()} {number}\\n".encode())
    if ends:
        break
    time.sleep(0.0005)
os.write(1, f"{os.getpid()} end\\n".encode())
"""
_INI = """
[app:main]
use = call:hello:factory

[server:main]
use = egg:circus-stack
backend = {backend}
workers = 2
listen = 127.0.0.1:0

[watcher:numbers]
cmd = {python} -IS {directory}/numbers.py
numprocesses = 2
stdout_stream.filename = {directory}/numbers.log
"""


class Arbiters:
    """The arbiters of one stack, one after the other."""

    def __init__(self, directory: Path, prefix: Sequence[str], arguments: list[str]) -> None:
        self._directory = directory
        self._argv = [*prefix, str(BIN / "circus-stack"), "serve", *arguments]
        self._env = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(directory / "run"),
            "XDG_STATE_HOME": str(directory / "state"),
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }
        (directory / "run").mkdir(mode=0o700)
        self._arbiter: subprocess.Popen[bytes] | None = None
        self.endpoint = ""

    def start(self) -> float:
        """Start one and wait until it says that it is up; the seconds that took."""
        began = time.monotonic()
        log = self._directory / "out"
        with log.open("wb") as out:
            self._arbiter = subprocess.Popen(
                self._argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self._directory, env=self._env,
                start_new_session=True,
            )  # fmt: skip
        while "circus-stack: ready in" not in log.read_text(errors="replace"):
            if time.monotonic() - began > _PATIENCE_S or self._arbiter.poll() is not None:
                raise RuntimeError(f"the stack did not come up:\n{log.read_text(errors='replace')}")
            time.sleep(0.01)
        [stack] = [each for each in find_stacks(self._env).stacks if each.record.pid == self._arbiter.pid]
        self.endpoint = stack.record.endpoint
        return time.monotonic() - began

    def kill(self) -> None:
        """kill -9."""
        assert self._arbiter is not None
        self._arbiter.kill()
        self._arbiter.wait()

    def stop(self) -> None:
        """End it as an operator does, and whatever is left if it was killed."""
        if self._arbiter is not None and self._arbiter.poll() is None:
            self._arbiter.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._arbiter.wait(_PATIENCE_S)
        subprocess.run(
            [str(BIN / "circus-stack"), "stop", "--orphans"], env=self._env, capture_output=True, check=False
        )

    def pids(self) -> dict[str, list[int]]:
        """Of each watcher."""
        with Client(self.endpoint, timeout_s=_PATIENCE_S) as client:
            return {name: sorted(client.call("list", name=name)["pids"]) for name in ("web", "numbers")}

    def port(self) -> int:
        """Of the web socket."""
        with Client(self.endpoint, timeout_s=_PATIENCE_S) as client:
            return int(client.call("listsockets")["sockets"][0]["port"])


@contextlib.contextmanager
def stack_of(backend: str, *, confined: bool) -> Iterator[tuple[Arbiters, Path]]:
    """A stack in a directory of its own, gone after the block."""
    directory = Path(tempfile.mkdtemp(prefix="csk"))
    hide = _HIDE if confined else ""
    (directory / "hello.py").write_text(hide + _APP + "\n\ndef factory(global_conf, **settings):\n    return app\n")
    (directory / "numbers.py").write_text(hide + _NUMBERS)
    ini = directory / "app.ini"
    ini.write_text(_INI.format(backend=backend, python=sys.executable, directory=directory))
    arbiters = Arbiters(directory, _CONFINED if confined else (), [str(ini)])
    try:
        yield arbiters, directory / "numbers.log"
    finally:
        arbiters.stop()
        shutil.rmtree(directory, ignore_errors=True)


def count_lines(log: Path) -> tuple[int, int, int]:
    """Lines that were written, that are lost, and that stand there twice."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in log.read_text().splitlines():
        pid, _, number = line.partition(" ")
        found[pid].append(number)
    lost = doubled = 0
    for words in found.values():
        numbers = {int(word) for word in words if word != "end"}
        lost += max(numbers) + 1 - len(numbers) + ("end" not in words)
        doubled += len(words) - len(set(words))
    return sum(map(len, found.values())), lost, doubled


def measure(backend: str, kills: int, *, close: bool, confined: bool) -> bool:
    """Kill under load and print what happened; whether nothing was lost."""
    with stack_of(backend, confined=confined) as (arbiters, log):
        arbiters.start()
        before = arbiters.pids()
        took, same = [], 0
        with wrk(arbiters.port(), header="Connection: close" if close else None) as report:
            time.sleep(0.5)
            for number in range(kills):
                arbiters.kill()
                time.sleep(0.2)
                took.append(arbiters.start())
                is_same = arbiters.pids() == before
                same += is_same
                print(
                    f"kill {number + 1}: up again after {took[-1]:.2f} s, pids {'the same' if is_same else 'CHANGED'}"
                )
                time.sleep(0.3)
        arbiters.stop()
        lines, lost, doubled = count_lines(log)
    failed = report.errors + report.not_2xx
    print(
        f"{backend}: {kills} kills, adopted after {median(took):.2f} s (median); {report.requests} requests, "
        f"{report.requests_per_s:.0f}/s, {failed} failed; pids the same {same} of {kills} times; "
        f"{lines} log lines, {lost} lost, {doubled} doubled",
        flush=True,
    )
    if failed:
        print(report.text)
    return not failed and same == kills and not lost


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--backend", default="gevent")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--close", action="store_true", help="a connection a request")
    parser.add_argument("--confined", action="store_true", help="processes cannot be looked into")
    options = parser.parse_args()
    return 0 if measure(options.backend, options.kills, close=options.close, confined=options.confined) else 1


if __name__ == "__main__":
    sys.exit(main())
