"""A locust file of the user's own as the generator: its users, tasks, think times and shape are its own matter."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .locust import MARGIN_S, argv_of, check_here, load_of, started
from .measured import Load, LoadError

_LAST_CHARACTERS = 800


def load(
    port: int, file: str, users: int, seconds: int, cpus: Sequence[int] | None, processes: int, directory: Path
) -> Load:
    """One load on 127.0.0.1:`port` by so many users, kept on `cpus`. LoadError where locust fails, in its own words.

    It runs in `directory`, where locust finds the modules and the settings of the user's own. A file with a shape says
    itself how many users there are, and for how long.
    """
    check_here()
    with tempfile.TemporaryDirectory(prefix="csl") as place:
        found = Path(place) / "found"
        words = ["--headless", "--only-summary", "--loglevel", "ERROR", "--reset-stats", "--json-file", str(found)]
        words += ["-u", str(users), "-r", str(users), "-t", f"{seconds + 1}s", "--host", f"http://127.0.0.1:{port}"]
        argv = [*argv_of(cpus), "-f", file, *words, *_of_processes(processes)]
        began, before = time.monotonic(), os.times()
        with started(argv, directory, os.environ) as process:
            try:
                said, _ = process.communicate(timeout=seconds + MARGIN_S)
            except subprocess.TimeoutExpired:
                raise LoadError(f"locust did not end within {seconds + MARGIN_S:.0f} s") from None
        after = os.times()
        used_s = after.children_user + after.children_system - before.children_user - before.children_system
        share = used_s / (time.monotonic() - began) / max(1, min(processes, len(cpus or [0] * processes)))
        return read(found.with_suffix(".json"), said, share)


def _of_processes(count: int) -> list[str]:
    """A master and its workers, on loopback alone."""
    if count < 2:
        return []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    words = ["--processes", str(count), "--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    return [*words, "--master-host", "127.0.0.1", "--master-port", port]


def read(path: Path, said: str, share: float) -> Load:
    """What locust has written. LoadError, with what it said, where it has not, or where nobody asked for anything."""
    if not path.exists():
        raise LoadError(f"locust did not measure:\n{said.strip()[-_LAST_CHARACTERS:] or 'it said nothing'}")
    entries: list[dict[str, Any]] = json.loads(path.read_text())
    times: dict[int, int] = {}
    for entry in entries:
        for each, count in entry["response_times"].items():
            times[int(each)] = times.get(int(each), 0) + count
    asked = sum(entry["num_requests"] for entry in entries)
    failed = sum(entry["num_failures"] for entry in entries)
    if asked == failed:
        raise LoadError(f"no request was answered, of {asked}:\n{said.strip()[-_LAST_CHARACTERS:]}")
    ends = [entry["last_request_timestamp"] for entry in entries if entry["last_request_timestamp"]]
    seconds = max(ends) - min(entry["start_time"] for entry in entries)
    return load_of(times, asked, failed, seconds, share)
