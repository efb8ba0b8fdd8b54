"""Not one line is lost through anything that may happen to a watcher while it writes."""

from __future__ import annotations

import gzip
import os
import signal
from collections import defaultdict
from pathlib import Path

from tests.integration.serve.projects import CIRCUS_SECTION, script, write_watchers
from tests.support.waiting import wait_until

# Counts, and at SIGTERM says that it ends. A child that it leaves behind keeps the pipe open.
WRITER = """\
import os
import signal
import subprocess
import sys
import time

def end(*_):
    global ended
    ended = True

ended = False
signal.signal(signal.SIGTERM, end)
if not os.fork():
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    time.sleep(30)
    os._exit(0)
number = 0
while not ended:
    sys.stdout.write("".join(f"{each}\\n" for each in range(number, number + 50)))
    number += 50
    time.sleep(0.005)
sys.stdout.write("end\\n")
"""
INI = (
    CIRCUS_SECTION
    + """
[watcher:w]
cmd = {writer}
stdout_stream.filename = {path}
stdout_stream.pid = true
"""
)


def read(path: Path) -> str:
    return gzip.open(path, "rt").read() if path.suffix == ".gz" else path.read_text()


def by_age(path: Path) -> int:
    """The oldest file first."""
    numbers = [part for part in path.name.split(".") if part.isdigit()]
    return -int(numbers[0]) if numbers else 0


def lines_of_each_process(directory: Path) -> dict[int, list[str]]:
    """What stands in the files: those of one name in order; of `second` and `third`, which take turns, put in order."""
    found: dict[int, list[str]] = defaultdict(list)
    for name in ("first", "second", "third"):
        of_name: dict[int, list[str]] = defaultdict(list)
        for path in sorted(directory.glob(f"{name}.log*"), key=by_age):
            for line in read(path).splitlines():
                pid, _, text = line.partition("] | ")
                of_name[int(pid.removeprefix("["))].append(text)
        for pid, lines in of_name.items():
            assert lines == sorted(lines, key=rank), (name, pid)
            found[pid] += lines
    return {pid: sorted(lines, key=rank) for pid, lines in found.items()}


def rank(line: str) -> float:
    """The number of a line, the last word behind all."""
    return float("inf") if line == "end" else int(line)


def test_no_line_is_lost_whatever_happens(here):
    logs = here.directory / "logs"
    logs.mkdir()
    text = INI.format(base=here.base, writer=script(here.directory, "writer", WRITER), path=logs / "first.log")
    stack = here.circusd(str(write_watchers(here.directory, text, name="circus.ini")))

    def wait_written(name: str) -> None:
        path = logs / name
        wait_until(lambda: path.exists() and path.stat().st_size > 10_000, f"lines in {name}", detail=stack.output)

    def set_option(name: str, value: object) -> None:
        stack.call("set", name="w", options={f"stdout_stream.{name}": value}, waiting=True)

    def do(command: str) -> None:
        assert stack.call(command, name="w", waiting=True)["status"] == "ok"

    def wait_talking() -> None:
        """Else a process is stopped before it has said a word."""
        (pid,) = stack.pids("w")
        wait_until(lambda: stack.call("logs", name="w", pid=pid)["lines"], "the first line", detail=stack.output)

    wait_written("first.log")
    set_option("filename", str(logs / "second.log"))
    wait_written("second.log")
    (killed,) = stack.pids("w")
    os.kill(killed, signal.SIGKILL)
    stack.wait_pids(1, other_than=[killed], watcher="w")
    set_option("backup_count", "500")
    set_option("max_bytes", "30000")
    set_option("compress", "gzip")
    wait_until(lambda: len(list(logs.glob("second.log.*.gz"))) > 3, "compressed files", detail=stack.output)
    do("restart")
    wait_talking()
    do("reload")
    wait_talking()
    do("stop")
    do("start")
    wait_talking()
    set_option("filename", str(logs / "third.log"))
    set_option("filename", str(logs / "second.log"))
    wait_written("second.log")
    do("rm")
    assert stack.stop() == 0

    found = lines_of_each_process(logs)
    assert len(found) == 5
    for pid, lines in found.items():
        ended = lines.pop() if lines[-1] == "end" else None
        assert lines == [str(number) for number in range(len(lines))], pid
        assert (ended is None) == (pid == killed)
