"""A stack that a benchmark runs: real `circus-stack serve` in directories of its own, gone at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from circus_stack.client.discovery import find_stacks
from circus_stack.client.subscriber import Subscriber
from circus_stack.client.sync import Client

BIN = Path(sys.executable).parent
_PATIENCE_S = 60.0


@dataclass(frozen=True)
class RunningStack:
    """A stack that is up: its arbiter's pid, the port of its first socket, its endpoints, where its output goes."""

    pid: int
    port: int
    endpoint: str
    pubsub_endpoint: str
    log: Path

    def client(self) -> Client:
        return Client(self.endpoint, timeout_s=_PATIENCE_S)

    def events(self, *topics: str) -> Subscriber:
        return Subscriber(self.pubsub_endpoint, topics)

    def pids(self, watcher: str = "web") -> list[int]:
        with self.client() as client:
            return [int(pid) for pid in client.call("list", name=watcher)["pids"]]


@contextlib.contextmanager
def serve(*arguments: str, cwd: Path, environ: Mapping[str, str] | None = None) -> Iterator[RunningStack]:
    """Run `circus-stack serve` with these arguments until the block ends; RuntimeError if it doesn't come up."""
    home = Path(tempfile.mkdtemp(prefix="csb"))
    env = {**os.environ, **(environ or {}), "XDG_RUNTIME_DIR": str(home), "XDG_STATE_HOME": str(home / "state")}
    env["PATH"] = f"{BIN}:{env['PATH']}"
    log = home / "log"
    with log.open("wb") as out:
        arbiter = subprocess.Popen(
            [str(BIN / "circus-stack"), "serve", *arguments], stdout=out, stderr=out, cwd=cwd, env=env,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield _wait_up(arbiter, env, log)
    finally:
        arbiter.send_signal(signal.SIGTERM)
        try:
            arbiter.wait(40)
        except subprocess.TimeoutExpired:
            arbiter.kill()
            arbiter.wait()
        shutil.rmtree(home, ignore_errors=True)


def _wait_up(arbiter: subprocess.Popen[bytes], env: Mapping[str, str], log: Path) -> RunningStack:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and arbiter.poll() is None:
        if "circus-stack: ready in" in log.read_text(errors="replace"):
            [record] = [each.record for each in find_stacks(env).stacks if each.record.pid == arbiter.pid]
            with Client(record.endpoint, timeout_s=_PATIENCE_S) as client:
                [first, *_] = client.call("listsockets")["sockets"]
            return RunningStack(arbiter.pid, int(first["port"]), record.endpoint, record.pubsub_endpoint, log)
        time.sleep(0.02)
    raise RuntimeError(f"the stack did not come up:\n{log.read_text(errors='replace')}")


def median(values: Sequence[float]) -> float:
    """The middle one; of an even number the lower of the two."""
    return sorted(values)[(len(values) - 1) // 2]
