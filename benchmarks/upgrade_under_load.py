"""Whether upgrades in place lose a request or a line: wrk on a served app, and programs that write numbered lines,
while the arbiter executes itself anew.

    python -m benchmarks.upgrade_under_load [--backend NAME] [--upgrades 10] [--close]

Prints what each upgrade took, from the request until the new arbiter answered, and what was lost. Exit status 1 if a
request or connection failed, a process was replaced, or a line is missing, doubled or out of order. `--close`: a
connection a request.
"""

from __future__ import annotations

import argparse
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .running_stack import BIN, RunningStack, median, serve
from .wrk import wrk

BACKENDS = ("wsgiref", "waitress", "gevent", "fastgevent", "meinheld")
_MOST_S = 120.0
_APP = """
def app(environ, start_response):
    body = b"hello"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def make(global_conf, **settings):
    return app
"""
# A line a millisecond, in two writes: half of them are unfinished at any moment.
_COUNTING = """
import itertools, os, sys, time
for number in itertools.count():
    os.write(1, b"%s %d " % (sys.argv[1].encode(), number))
    time.sleep(0.0005)
    os.write(1, b"end\\n")
    time.sleep(0.0005)
"""
_INI = """
[app:main]
use = call:hello:make

[server:main]
use = egg:circus-stack
listen = 127.0.0.1:0
backend = {backend}
workers = 2

[watcher:filed]
cmd = {counting} filed
stdout_stream.class = FileStream
stdout_stream.filename = {directory}/filed.log
stdout_stream.max_bytes = 100000
stdout_stream.backup_count = 10000

[watcher:shown]
cmd = {counting} shown
"""
_WATCHERS = ("web", "filed", "shown")


def _write(directory: Path, backend: str) -> Path:
    (directory / "hello.py").write_text(_APP)
    (directory / "counting.py").write_text(_COUNTING)
    counting = shlex.join([sys.executable, "-I", "-S", str(directory / "counting.py")])
    ini = directory / "app.ini"
    ini.write_text(_INI.format(backend=backend, counting=counting, directory=directory))
    return ini


def _upgrade(stack: RunningStack) -> float:
    """How long it took; RuntimeError where it was refused."""
    began = time.monotonic()
    done = subprocess.run(
        [str(BIN / "circusctl"), "--endpoint", stack.endpoint, "upgrade"],
        capture_output=True,
        text=True,
        timeout=_MOST_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return time.monotonic() - began


def _numbers(text: str, name: str) -> list[int]:
    return [int(found) for found in re.findall(rf"\b{name} (\d+) end$", text, re.MULTILINE)]


def _judge(name: str, text: str) -> bool:
    """Say how many lines there are, and whether each number is there once and in order."""
    found = _numbers(text, name)
    expected = set(range(max(found, default=-1) + 1))
    lost, doubled = len(expected - set(found)), len(found) - len(set(found))
    is_ordered = found == sorted(found)
    order = "in order" if is_ordered else "out of order"
    print(f"{name}: {len(found)} lines, {lost} lost, {doubled} doubled, {order}")
    return bool(found) and not lost and not doubled and is_ordered


def measure(directory: Path, backend: str, upgrades: int, *, close: bool) -> bool:
    """Upgrade under load and print what happened; whether nothing was lost."""
    with serve(str(_write(directory, backend)), cwd=directory) as stack:
        before = {name: sorted(stack.pids(name)) for name in _WATCHERS}
        took = []
        with wrk(stack.port, header="Connection: close" if close else None) as report:
            time.sleep(0.5)
            for _ in range(upgrades):
                took.append(_upgrade(stack))
                time.sleep(0.2)
        after = {name: sorted(stack.pids(name)) for name in _WATCHERS}
        with stack.client() as client:
            client.call("stop", waiting=True)
        shown = stack.log.read_text(errors="replace")
    old = sorted(directory.glob("filed.log.*"), key=lambda path: -int(path.suffix[1:]))
    filed = "".join(path.read_text() for path in (*old, directory / "filed.log"))
    print(f"{backend}: {upgrades} upgrades, median {median(took):.2f} s, longest {max(took):.2f} s")
    print(
        f"wrk: {report.requests} requests, {report.requests_per_s:.0f}/s; {report.errors} connection errors, "
        f"{report.not_2xx} failed requests"
    )
    print(f"processes: {'all the same' if after == before else f'{before} became {after}'}")
    lines = [_judge("filed", filed), _judge("shown", shown)]
    return not report.errors and not report.not_2xx and after == before and all(lines)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--backend", default="gevent", choices=BACKENDS)
    parser.add_argument("--upgrades", type=int, default=10)
    parser.add_argument("--close", action="store_true", help="a connection a request")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="csu") as directory:
        return 0 if measure(Path(directory), options.backend, options.upgrades, close=options.close) else 1


if __name__ == "__main__":
    sys.exit(main())
