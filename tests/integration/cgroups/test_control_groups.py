"""Limits that the kernel keeps for all processes of a watcher together, by whatever controllers this machine has."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil
import pytest

from circus_stack.system.cgroups import find_hierarchies
from tests.integration.serve.projects import script, write_watchers
from tests.support.processes import BIN, Program
from tests.support.waiting import wait_until

HOG = """\
import sys, time
taken = []
print("hog begins", flush=True)
while len(taken) < 300:
    taken.append(bytearray(b"x") * 1_000_000)
print("hog has it all", flush=True)
time.sleep(600)
"""
SPIN = "while True:\n    pass\n"
# As many children as it may have, up to forty, and no one more often than needed.
FORKS = """\
import os, sys, time
made = 0
try:
    for _ in range(40):
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
        made += 1
except BlockingIOError:
    pass
print("made", made, flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _controllers(as_root):
    assert set(find_hierarchies()) == {"memory", "cpu", "pids"}, "a machine that is prepared for the tests has them"


def groups_of(stack) -> list[Path]:
    """The directories of the stack's groups, in whichever hierarchies."""
    name = f"circus-stack-{stack.found().record.id}"
    bases = {each.base for each in find_hierarchies().values()}
    return [base / name for base in bases if (base / name).exists()]


def serve(here, code, *, more):
    text = f"[watcher:w]\ncmd = {script(here.directory, 'limited', code)}\n{more}\n"
    return here.serve(str(write_watchers(here.directory, text)))


def test_who_takes_more_memory_than_all_may_have_is_killed_and_that_is_told(here):
    stack = serve(here, HOG, more="memory_max = 60M\nmax_failures = 1\nautostart = false")
    with stack.subscribe("watcher.w.") as events:
        stack.call("start", name="w")
        told = next(event for topic, event in events if topic == "watcher.w.limit_reached")
    assert (told["option"], told["limit"]) == ("memory_max", "60M")
    stack.wait_line("killed by the kernel: memory_max 60M reached")
    assert "hog has it all" not in stack.output()
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_more_memory_can_be_set_and_holds_for_the_running_process(here):
    stack = serve(here, HOG, more="")
    stack.wait_line("hog has it all")
    [pid] = stack.pids("w")
    stack.call("set", name="w", options={"memory_max": "900M", "pids_max": 50}, waiting=True)
    assert stack.pids("w") == [pid]
    wait_until(
        lambda: f"circus-stack-{stack.found().record.id}/w" in Path(f"/proc/{pid}/cgroup").read_text(), "the move"
    )
    memory = find_hierarchies()["memory"]
    file = "memory.max" if memory.is_v2 else "memory.limit_in_bytes"
    group = next(each for each in groups_of(stack) if (each / "w" / file).exists()) / "w"
    wait_until(lambda: (group / file).read_text().strip() == str(900 * 1024**2), "the limit")
    stack.call("set", name="w", options={"memory_max": "950M"}, waiting=True)
    wait_until(lambda: (group / file).read_text().strip() == str(950 * 1024**2), "the other limit")
    assert stack.pids("w") == [pid]
    assert stack.stop() == 0
    assert not group.exists()


def test_a_spinner_gets_its_share_of_a_processor(here):
    stack = serve(here, SPIN, more="cpu_max = 0.2\nstop_signal = KILL")
    [pid] = stack.pids("w")
    process = psutil.Process(pid)
    group = next(each for each in groups_of(stack) if (each / "w" / "cpu.stat").exists()) / "w"

    def throttled() -> int:
        words = (group / "cpu.stat").read_text().split()
        return int(words[words.index("nr_throttled") + 1])

    # So many periods of 0.1 s in which it wanted more than it may have: it had 20 ms in each of them.
    wait_until(lambda: throttled() >= 15, "the spinner to be throttled")
    words = (group / "cpu.stat").read_text().split()
    periods = int(words[words.index("nr_periods") + 1])
    used = sum(process.cpu_times()[:2])
    assert used <= 0.02 * (periods + 2) * 1.5 + 0.1
    assert stack.stop() == 0


def test_a_fork_bomb_meets_its_limit_and_a_stop_leaves_nothing_of_it(here):
    stack = serve(here, FORKS, more="pids_max = 10\ngraceful_timeout = 1")
    stack.wait_line("made 9")
    assert len(psutil.Process(stack.pids("w")[0]).children()) == 9
    stack.call("stop", name="w", waiting=True)
    assert [each for each in stack.family() if each.status() != psutil.STATUS_ZOMBIE] == []
    groups = groups_of(stack)
    assert groups
    assert stack.stop() == 0
    assert not any(each.exists() for each in groups)
    here.assert_nothing_left()


def test_groups_of_a_killed_arbiter_are_removed_at_the_next_start(here):
    ini = write_watchers(here.directory, "[watcher:w]\ncmd = sleep 600\npids_max = 5\n")
    stack = here.serve(str(ini))
    groups = groups_of(stack)
    stale = [each / "gone" for each in groups]
    for each in stale:
        each.mkdir()
    assert stack.stop() == 0
    assert not any(each.exists() for each in (*groups, *stale))


def test_without_privileges_the_stack_runs_and_says_that_the_limit_does_not_hold(here):
    here.base.chmod(0o711)
    home = here.base / "home"
    home.mkdir()
    ini = write_watchers(home, "[watcher:w]\ncmd = sleep 600\nworking_dir = /\nmemory_max = 60M\ncpu_max = 0.5\n")
    for path in (home, ini, here.runtime, here.state, here.base / "t"):
        shutil.chown(path, "nobody", "nogroup")
    argv = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "--"]
    log = here.directory / "unprivileged.log"
    environ = {**here.environ, "HOME": str(home)}
    stack = here.adopt(
        Program([*argv, str(BIN / "circus-stack"), "serve", str(ini)], log, base_env=environ, cwd=Path("/"))
    )
    stack.wait_line("ready in")
    output = stack.output()
    assert "w: memory_max has no effect" in output
    assert "w: cpu_max has no effect" in output
    assert output.count("has no effect") == 2
    assert stack.stop() == 0
