"""A stack that a benchmark runs: a real `circus-stack serve` or `circusd` in directories of its own, then gone."""

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
    """A stack that is up: its arbiter's pid, the port of its first socket or 0, its endpoints, its output's file."""

    pid: int
    port: int
    endpoint: str
    pubsub_endpoint: str
    log: Path

    @property
    def environ(self) -> dict[str, str]:
        """For programs that are to find it."""
        home = self.log.parent
        return {**os.environ, "XDG_RUNTIME_DIR": str(home), "XDG_STATE_HOME": str(home / "state")}

    def client(self) -> Client:
        return Client(self.endpoint, timeout_s=_PATIENCE_S)

    def events(self, *topics: str) -> Subscriber:
        return Subscriber(self.pubsub_endpoint, topics)

    def pids(self, watcher: str = "web") -> list[int]:
        with self.client() as client:
            return [int(pid) for pid in client.call("list", name=watcher)["pids"]]


@contextlib.contextmanager
def serve(
    *arguments: str, cwd: Path, environ: Mapping[str, str] | None = None, patience_s: float = _PATIENCE_S
) -> Iterator[RunningStack]:
    """Run `circus-stack serve` with these arguments until the block ends; RuntimeError if it doesn't come up."""
    words, sign = ("circus-stack", "serve", *arguments), "circus-stack: ready in"
    with _run(*words, cwd=cwd, environ=environ, sign=sign, patience_s=patience_s) as stack:
        yield stack


@contextlib.contextmanager
def circusd(ini: Path, environ: Mapping[str, str] | None = None) -> Iterator[RunningStack]:
    """Run `circusd` with this file until the block ends; RuntimeError if no client can reach it."""
    with _run("circusd", str(ini), cwd=ini.parent, environ=environ) as stack:
        yield stack


@contextlib.contextmanager
def _run(
    *argv: str, cwd: Path, environ: Mapping[str, str] | None, sign: str = "", patience_s: float = _PATIENCE_S
) -> Iterator[RunningStack]:
    home = Path(tempfile.mkdtemp(prefix="csb"))
    env = {**os.environ, **(environ or {}), "XDG_RUNTIME_DIR": str(home), "XDG_STATE_HOME": str(home / "state")}
    env["PATH"] = f"{BIN}:{env['PATH']}"
    log = home / "log"
    with log.open("wb") as out:
        arbiter = subprocess.Popen(
            [str(BIN / argv[0]), *argv[1:]], stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=cwd, env=env,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield _wait_up(arbiter, env, log, sign, patience_s)
    finally:
        arbiter.send_signal(signal.SIGTERM)
        try:
            arbiter.wait(40)
        except subprocess.TimeoutExpired:
            arbiter.kill()
            arbiter.wait()
        shutil.rmtree(home, ignore_errors=True)


def _wait_up(
    arbiter: subprocess.Popen[bytes], env: Mapping[str, str], log: Path, sign: str, patience_s: float
) -> RunningStack:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline and arbiter.poll() is None:
        found = [each.record for each in find_stacks(env).stacks if each.record.pid == arbiter.pid]
        if found and sign in log.read_text(errors="replace"):
            [record] = found
            with Client(record.endpoint, timeout_s=_PATIENCE_S) as client:
                ports = [int(each["port"]) for each in client.call("listsockets")["sockets"] if "port" in each]
            return RunningStack(arbiter.pid, next(iter(ports), 0), record.endpoint, record.pubsub_endpoint, log)
        time.sleep(0.02)
    raise RuntimeError(f"{arbiter.args!r} did not come up:\n{log.read_text(errors='replace')}")


def median(values: Sequence[float]) -> float:
    """The middle one; of an even number the lower of the two."""
    return sorted(values)[(len(values) - 1) // 2]
