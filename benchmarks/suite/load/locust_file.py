"""A locust file of the user's own as the generator: its users, tasks, think times and shape are its own matter."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .locust import MARGIN_S, argv_of, check_here, load_of, started
from .measured import Load, LoadError

_PROGRAM = Path(__file__).parent.parent / "locustfiles" / "counted.py"
_LAST_CHARACTERS = 800


def check(file: str) -> None:
    """LoadError, in its own words, where it holds no users of locust: no contestant has to be asked for that."""
    check_here()
    with started([*argv_of(None), "-f", file, "--list"], Path(file).parent, _environ()) as process:
        try:
            said, _ = process.communicate(timeout=MARGIN_S)
        except subprocess.TimeoutExpired:
            raise LoadError(f"{file} was not read within {MARGIN_S:.0f} s") from None
    if process.returncode:
        raise LoadError(f"{file} is no locust file:\n{said.strip()[-_LAST_CHARACTERS:]}")
    # Each name of a class stands on a line of its own, behind blanks.
    if not any(line.startswith(" ") and line.strip() for line in said.splitlines()):
        raise LoadError(f"{file} has no users: no subclass of locust's User, HttpUser or FastHttpUser")


def load(
    port: int, file: str, users: int, seconds: int, cpus: Sequence[int] | None, processes: int, directory: Path
) -> Load:
    """One load on 127.0.0.1:`port` by so many users, kept on `cpus`. LoadError where locust fails, in its own words.

    It runs in `directory`, where locust finds the modules and the settings of the user's own. A file with a shape says
    itself how many users there are, and for how long, up to MARGIN_S more than `seconds`.
    """
    check_here()
    with tempfile.TemporaryDirectory(prefix="csl") as place:
        found, window = Path(place) / "found", Path(place) / "window"
        words = ["--headless", "--only-summary", "--loglevel", "ERROR", "--json-file", str(found)]
        words += ["-u", str(users), "-r", str(users), "-t", f"{seconds + 1}s", "--host", f"http://127.0.0.1:{port}"]
        argv = [*argv_of(cpus, (str(_PROGRAM), str(window))), "-f", file, *words, *_of_processes(processes)]
        with started(argv, directory, _environ()) as process:
            try:
                said, _ = process.communicate(timeout=seconds + MARGIN_S)
            except subprocess.TimeoutExpired:
                why = f"locust did not end within {seconds + MARGIN_S:.0f} s; a shape that lasts longer wants --seconds"
                raise LoadError(why) from None
        return read(found.with_suffix(".json"), window, said, min(processes, len(cpus or [0] * processes)))


def _environ() -> dict[str, str]:
    """The user's own; no proxy stands between users and contestants, who are on the same machine."""
    spared = {key: ",".join(filter(None, [os.environ.get(key), "127.0.0.1"])) for key in ("no_proxy", "NO_PROXY")}
    return {**os.environ, **spared}


def _of_processes(count: int) -> list[str]:
    """A master and its workers, on loopback alone."""
    if count < 2:
        return []
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    words = ["--processes", str(count), "--master-bind-host", "127.0.0.1", "--master-bind-port", port]
    return [*words, "--master-host", "127.0.0.1", "--master-port", port]


def read(path: Path, window: Path, said: str, cpus: int) -> Load:
    """What locust has written, and counted.py, of locust on so many processors. LoadError, with what it said, where it
    has not."""
    if not path.exists() or not window.exists():
        raise LoadError(f"locust did not measure:\n{said.strip()[-_LAST_CHARACTERS:] or 'it said nothing'}")
    entries: list[dict[str, Any]] = json.loads(path.read_text())
    times: dict[int, int] = {}
    for entry in entries:
        for each, count in entry["response_times"].items():
            times[int(each)] = times.get(int(each), 0) + count
    asked = sum(entry["num_requests"] for entry in entries)
    failed = sum(entry["num_failures"] for entry in entries)
    counted = json.loads(window.read_text())
    share = counted["cpu_s"] / max(0.001, counted["seconds"]) / cpus
    return load_of(times, asked, failed, counted["seconds"], share)
