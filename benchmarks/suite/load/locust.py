"""locust as the generator: users with think times, mixes, files of the user's own; and saturation where wrk is missing.

Its histogram counts in milliseconds, below 100 ms to 1 ms, below a second to 10 ms, above to 100 ms: so do the
percentiles from it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from ..scenario import Scenario
from .lines import Lines
from .measured import Load, LoadError

_FILE = Path(__file__).parent.parent / "locustfiles" / "users.py"
_MARK = "circus-stack-bench "
# At the beginning of a step: its users come, and nothing counts.
GROWING_S = 2
# To import locust, to wait for the last answers.
MARGIN_S = 60.0
_QUIET = ("--headless", "--only-summary", "--loglevel", "ERROR")
_LAST_CHARACTERS = 800


def check_here() -> None:
    """LoadError where locust is not installed."""
    if importlib.util.find_spec("locust") is None:
        raise LoadError("users come from locust, which is not installed: pip install 'circus-stack[bench]'")


def load(port: int, scenario: Scenario, users: int, seconds: int, cpus: Sequence[int] | None) -> Load:
    """One load on 127.0.0.1:`port` by so many users, kept on `cpus`; that nothing was answered is a finding, too.
    LoadError where locust fails, in its own words."""
    with contextlib.closing(steps(port, scenario, [users], seconds, cpus)) as taken:
        _, found = next(taken)
    return found


def steps(
    port: int,
    scenario: Scenario,
    users: Sequence[int],
    seconds: int,
    cpus: Sequence[int] | None,
    *,
    once_a_second: bool = False,
) -> Iterator[tuple[int, Load]]:
    """(how many users, what they saw) of each step in turn; whoever has seen enough closes the generator.

    `once_a_second`: what each user asks, in place of the scenario's pace. LoadError where locust fails.
    """
    check_here()
    with tempfile.TemporaryDirectory(prefix="csl") as directory:
        home = Path(directory)
        given = msgspec.to_builtins(scenario) | {"users": list(users), "once_a_second": once_a_second}
        given |= {"seconds": seconds, "growing_s": GROWING_S, "mark": _MARK}
        (home / "given.json").write_text(json.dumps(given))
        argv = [*argv_of(cpus), "-f", str(_FILE), *_QUIET, "--host", f"http://127.0.0.1:{port}"]
        with started(argv, home, environ_of(home)) as process:
            assert process.stdout is not None
            lines = Lines(process.stdout)
            for _ in users:
                found = json.loads(_next_step(lines, GROWING_S + seconds + MARGIN_S))
                # Of the time that counts: while users come, and while locust is imported, it is busier or idler.
                share = found["cpu_s"] / max(0.001, found["seconds"])
                times = {int(each): count for each, count in found["response_times"].items()}
                yield found["users"], load_of(times, found["requests"], found["failures"], found["seconds"], share)


def _next_step(lines: Lines, patience_s: float) -> str:
    said: list[str] = []
    until = time.monotonic() + patience_s
    while (line := lines.next(until - time.monotonic())) is not None:
        if line.startswith(_MARK):
            return line.removeprefix(_MARK)
        said.append(line)
    if lines.has_ended:
        raise LoadError(f"locust ended early:\n{''.join(said)[-_LAST_CHARACTERS:].strip() or 'it said nothing'}")
    raise LoadError(f"locust told nothing for {patience_s:.0f} s")


def argv_of(cpus: Sequence[int] | None, program: Sequence[str] = ("-m", "locust")) -> list[str]:
    """locust of this environment, kept on these processors. `program`: in place of its own."""
    pinned = ["taskset", "-c", ",".join(map(str, cpus))] if cpus else []
    return [*pinned, sys.executable, *program]


def environ_of(home: Path) -> Mapping[str, str]:
    """Without what would change the suite's own scenarios: locust's settings in the environment and in the home
    directory."""
    return {key: value for key, value in os.environ.items() if not key.startswith("LOCUST_")} | {"HOME": str(home)}


@contextlib.contextmanager
def started(argv: Sequence[str], home: Path, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Until the block ends; then it is gone, with all its processes."""
    process = subprocess.Popen(
        argv, cwd=home, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def load_of(times: Mapping[int, int], asked: int, failed: int, seconds: float, share: float) -> Load:
    """`times`: how many requests took so many milliseconds. Failed requests are no answers, and count as errors."""
    p50, p95, p99, p999 = (percentile_us(times, each) for each in (0.5, 0.95, 0.99, 0.999))
    return Load(asked - failed, max(0.001, seconds), failed, 0, p50, p95, p99, p999, min(1.0, share))


def percentile_us(times: Mapping[int, int], share: float) -> int:
    """Microseconds that this share of the requests, 0 to 1, did not exceed; 0 for none."""
    left = share * sum(times.values())
    for each in sorted(times):
        left -= times[each]
        if left <= 0:
            return each * 1000
    return 0
