"""What an arbiter makes of what it inherits, and hands on: the file mode mask, closed standard files, limits."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from tests.integration.serve.projects import script, write_watchers
from tests.support.processes import BIN, Program
from tests.support.waiting import wait_until

# Says which mask and which limits of open files a process has.
TELL = """\
import json, os, resource, sys, time
mask = os.umask(0)
with open(sys.argv[1] + ".fresh", "w") as file:
    json.dump([mask, *resource.getrlimit(resource.RLIMIT_NOFILE)], file)
os.rename(sys.argv[1] + ".fresh", sys.argv[1])
time.sleep(600)
"""


def start_under(here, prelude: str, *argv: str):
    """One of our programs, started by a shell that has done something first."""
    line = f"{prelude} exec {shlex.join([str(BIN / argv[0]), *argv[1:]])}"
    program = Program(["sh", "-c", line], here.directory / "under.log", base_env=here.environ, cwd=here.directory)
    return here.adopt(program)


@pytest.mark.parametrize(("umask", "mode"), [("000", 0o777), ("077", 0o700), ("027", 0o750)])
def test_the_mask_holds_for_what_the_arbiter_makes_first(here, umask, mode):
    path, told, log = here.base / "web.sock", here.base / "told", here.base / "circusd.log"
    text = f"""\
        [circus]
        umask = {umask}

        [socket:web]
        path = {path}

        [watcher:w]
        cmd = {script(here.directory, "tell", TELL)} {told}
        use_sockets = True
        """
    stack = here.circusd(str(write_watchers(here.directory, text)), "--log-output", str(log))
    stack.found()
    assert path.stat().st_mode & 0o777 == mode
    assert log.stat().st_mode & 0o777 == mode & 0o666
    assert tell(told)[0] == int(umask, 8)
    assert stack.stop() == 0


def tell(path: Path) -> list[int]:
    wait_until(path.exists, "the word of the process")
    return [int(each) for each in json.loads(path.read_text())]


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_output_goes_into_the_files_of_the_arbiter(here, closed):
    """The first free number would be that of the lock, and then that of the loop's own descriptors."""
    talk = "import time\nwhile True:\n    print('hello', flush=True)\n    time.sleep(0.01)\n"
    ini = write_watchers(here.directory, f"[watcher:w]\ncmd = {script(here.directory, 'talk', talk)}\n")
    stack = start_under(here, f"exec {closed};", "circusd", str(ini))
    stack.wait_pids(1, watcher="w")
    for fd in (0, 1, 2):
        target = Path(f"/proc/{stack.pid}/fd/{fd}").readlink()
        assert target in (Path(os.devnull), stack.program.log)
    lock = here.runtime.rglob("lock")
    assert [each.read_text() for each in lock] == [f"{stack.pid}\n"]
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_low_soft_limit_is_the_children_s_and_not_the_arbiter_s(here):
    """Three descriptors a process: with 64 the arbiter would not get beyond its tenth."""
    told = here.base / "told"
    text = f"""\
        [watcher:tell]
        cmd = {script(here.directory, "tell", TELL)} {told}

        [watcher:w]
        cmd = sleep 600
        numprocesses = 30
        """
    ini = write_watchers(here.directory, text)
    stack = start_under(here, "ulimit -Sn 64; ulimit -Hn 1000;", "circusd", str(ini))
    stack.wait_pids(30, watcher="w")
    assert tell(told)[1:] == [64, 1000]
    assert stack.stop() == 0
    assert "warning" not in stack.output().lower()


def test_a_hard_limit_that_is_too_low_is_told_before_it_is_met(here):
    ini = write_watchers(here.directory, "[watcher:w]\ncmd = sleep 600\nnumprocesses = 30\n")
    stack = start_under(here, "ulimit -n 200;", "circusd", str(ini))
    stack.wait_pids(30, watcher="w")
    assert "a reload of 30 processes needs up to 244 open files in the arbiter, and only 200" in stack.output()
    assert stack.stop() == 0
    checked = start_under(here, "ulimit -n 200;", "circus-stack", "check", str(ini))
    assert checked.program.wait_exit() == 0
    assert "needs up to 244 open files" in checked.output()
    assert "1 warning" in checked.output()
