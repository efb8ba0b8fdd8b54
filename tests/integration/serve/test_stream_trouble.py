"""A full disk and a file that nobody reads stall no command, and what could not be written is counted."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from tests.integration.serve.projects import CIRCUS_SECTION, script, write_watchers
from tests.support.processes import BIN, Program
from tests.support.waiting import PATIENCE_S, wait_until

# A few megabytes a second, in numbered lines of 1,009 bytes, for ever.
TALKER = """\
import os
import sys
import time

number = 0
while True:
    for _ in range(100):
        sys.stdout.write(f"{os.getpid():08} {number:08} {'x' * 990}\\n")
        number += 1
    time.sleep(0.02)
"""
INI = (
    CIRCUS_SECTION
    + """sink_timeout = 0.5

[watcher:talker]
cmd = {talker}
stdout_stream.filename = {path}
stdout_stream.class = {sink}
graceful_timeout = 0.5
"""
)


def write_ini(here, path: Path, sink: str = "FileStream") -> str:
    text = INI.format(base=here.base, talker=script(here.directory, "talker", TALKER), path=path, sink=sink)
    return str(write_watchers(here.directory, text, name="circus.ini"))


def wait_dropped(stack) -> int:
    def dropped() -> int:
        return int(stack.call("status", extended=True)["watchers"]["talker"]["dropped_lines"])

    return wait_until(dropped, "lines that were dropped", detail=stack.output, pause_s=0.1)


def test_a_file_that_nobody_reads_stalls_no_command_and_a_late_reader_gets_whole_lines(here):
    fifo = here.base / "fifo"
    os.mkfifo(fifo)
    stack = here.circusd(write_ini(here, fifo))
    before = stack.pids("talker")
    wait_dropped(stack)
    assert stack.pids("talker") == before
    assert stack.call("restart", name="talker", waiting=True)["status"] == "ok"
    (pid,) = set(stack.pids("talker")) - set(before)
    stack.wait_line("dropped: ")
    with fifo.open("rb") as reader:
        lines = [reader.readline() for _ in range(3000)]
        # Read on, so that nothing waits for us at the end.
        threading.Thread(target=_drain, args=(reader,), daemon=True).start()
        assert stack.stop(timeout_s=2 * PATIENCE_S) == 0
    assert {len(line) for line in lines} == {1009}
    of_one = [int(line[9:17]) for line in lines if int(line[:8]) == pid]
    assert of_one == sorted(set(of_one))


def _drain(reader) -> None:
    while reader.read(1 << 16):
        pass


@pytest.fixture
def full_disk(here, tmp_path):
    """A file system of 256 KiB that only programs started by what this returns can see."""
    disk = tmp_path / "disk"
    disk.mkdir()

    def start(*argv: str) -> Program:
        mount = f'mount -t tmpfs -o size=256k none {disk} && exec "$@"'
        program = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh"]
        log = here.directory / "circusd-on-a-small-disk.log"
        return here.adopt(
            Program([*program, str(BIN / argv[0]), *argv[1:]], log, base_env=here.environ, cwd=here.directory)
        )

    return disk, start


def seen_by(pid: int, path: Path) -> Path:
    """A path as a process in another mount namespace sees it."""
    return Path(f"/proc/{pid}/root{path}")


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize("sink", ["FileStream", "JsonStream"])
def test_a_full_disk_stalls_no_command_and_lines_go_on_when_there_is_room(here, full_disk, sink):
    disk, start = full_disk
    log = disk / "talker.log"
    stack = start("circusd", write_ini(here, log, sink))
    before = wait_until(lambda: stack.pids("talker"), "the talker", detail=stack.output)
    wait_dropped(stack)
    stack.wait_line("No space left on device")
    assert stack.pids("talker") == before
    assert stack.call("restart", name="talker", waiting=True)["status"] == "ok"
    # Somebody makes room.
    os.truncate(seen_by(stack.pid, log), 0)
    wait_until(lambda: seen_by(stack.pid, log).stat().st_size > 100_000, "lines on the disk", detail=stack.output)
    content = seen_by(stack.pid, log).read_bytes()
    assert stack.stop(timeout_s=2 * PATIENCE_S) == 0
    whole = [line for line in content.splitlines()[1:-1] if line]
    assert whole
    assert all(line.endswith(b"x" * 990 if sink == "FileStream" else b'"}') for line in whole)


def test_a_sink_that_raises_is_told_and_tried_again(here):
    (here.directory / "moody.py").write_text(
        "class Moody:\n"
        "    def __init__(self, filename, **_options):\n"
        "        self._file, self._count = open(filename, 'ab', 0), 0\n"
        "    def __call__(self, record):\n"
        "        self._count += 1\n"
        "        if self._count % 2:\n"
        "            raise RuntimeError('not in the mood')\n"
        "        self._file.write(record['data'])\n"
    )
    log = here.directory / "moody.log"
    here.environ["PYTHONPATH"] = os.pathsep.join([str(here.directory), *sys.path])
    stack = here.circusd(write_ini(here, log, "moody.Moody"))
    with stack.subscribe("watcher.talker.lines_dropped") as events:
        dropped = events.receive(PATIENCE_S)
    assert dropped is not None
    assert (dropped[1]["stream"], dropped[1]["count"] > 0) == ("stdout", True)
    assert dropped[1]["reason"].endswith("not in the mood")
    wait_dropped(stack)
    stack.wait_line("not in the mood")
    wait_until(lambda: log.stat().st_size > 300_000, "lines in between", detail=stack.output)
    assert stack.stop() == 0
    assert {len(line) for line in log.read_bytes().splitlines(keepends=True)} == {1009}
