"""wrk as a program: started on a port, ended by a signal, its report as numbers."""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# Ends a forgotten wrk; a run is ended by a signal long before.
_MOST_S = 600
_ERRORS = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")


@dataclass
class Report:
    """What wrk saw, filled in at the end of the block. `errors`: connects, reads, writes, timeouts that failed."""

    requests: int = 0
    requests_per_s: float = 0.0
    errors: int = 0
    not_2xx: int = 0
    p99_ms: float = 0.0
    text: str = ""


@contextlib.contextmanager
def wrk(
    port: int,
    *,
    connections: int = 32,
    path: str = "/",
    header: str | None = None,
    headers: Sequence[str] = (),
    cpu: int | None = None,
    script: Path | None = None,
) -> Iterator[Report]:
    """Load on 127.0.0.1:`port` from one thread for the length of the block. RuntimeError where wrk isn't installed.

    `headers` are sent beside `header`; `cpu`: the processor that wrk is kept on; `script`: Lua that makes the requests.
    """
    program = shutil.which("wrk")
    if program is None:
        raise RuntimeError("wrk is not installed: apt-get install wrk")
    argv = [] if cpu is None else ["taskset", "-c", str(cpu)]
    argv += [program, "-t1", f"-c{connections}", f"-d{_MOST_S}s", "--timeout", "20s", "--latency"]
    for each in [header, *headers] if header else headers:
        argv += ["-H", each]
    argv += [] if script is None else ["-s", str(script)]
    report = Report()
    with subprocess.Popen(
        [*argv, f"http://127.0.0.1:{port}{path}"], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield report
            process.send_signal(signal.SIGINT)
            report.text, _ = process.communicate(timeout=30)
        finally:
            process.kill()
    _parse(report)


def _parse(report: Report) -> None:
    total = re.search(r"(\d+) requests in", report.text)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", report.text)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", report.text)
    errors = _ERRORS.search(report.text)
    not_2xx = re.search(r"Non-2xx or 3xx responses: (\d+)", report.text)
    report.requests = int(total[1]) if total else 0
    report.requests_per_s = float(rate[1]) if rate else 0.0
    report.errors = sum(map(int, errors.groups())) if errors else 0
    report.p99_ms = float(p99[1]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[p99[2]] if p99 else 0.0
    report.not_2xx = int(not_2xx[1]) if not_2xx else 0
