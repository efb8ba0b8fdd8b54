"""supervisord as a contestant: installed into an environment of its own, run with one program that writes to a file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

VERSION = "4.3.0"
DEADLINE_S = 120.0

_CONFIG = """
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


def installed() -> str:
    """The path of a supervisord of VERSION; installed from the package index at the first call."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    directory = cache / "circus-stack-benchmarks" / f"supervisor-{VERSION}"
    program = directory / "bin" / "supervisord"
    if not program.exists():
        venv.create(directory, with_pip=True)
        # It asks pkg_resources for its own version; setuptools has dropped that in 81.
        wanted = [f"supervisor=={VERSION}", "setuptools<81"]
        python = directory / "bin" / "python"
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wanted], check=True, stdout=sys.stderr)
    return str(program)


def run(program: str, command: str, path: Path, size: int) -> tuple[float, float]:
    """Seconds from the start of `command` until `path` has `size` bytes, and seconds of supervisord's CPU."""
    config = path.with_suffix(".conf")
    config.write_text(_CONFIG.format(directory=path.parent, path=path, command=command))
    with subprocess.Popen([program, "-c", str(config)], stdout=subprocess.DEVNULL) as daemon:
        try:
            log = path.with_name("supervisord.log")
            _wait(lambda: log.exists() and "spawned" in log.read_text())
            began, cpu = time.perf_counter(), _cpu_of(daemon.pid)
            _wait(lambda: path.exists() and path.stat().st_size >= size)
            return time.perf_counter() - began, _cpu_of(daemon.pid) - cpu
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
    """Seconds, in the kernel's own resolution: the ticks of /proc/PID/stat are 10 ms."""
    runtime_ns = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return runtime_ns / 1e9
