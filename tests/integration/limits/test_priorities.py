"""Niceness, class of input and output, out-of-memory score, processors: read back from the kernel and by tools."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from circus_stack.system.capabilities import CAP_SYS_RESOURCE, has_capability
from circus_stack.system.priorities import Priorities, refusals
from tests.integration.serve.projects import script, write_ini, write_watchers
from tests.support.processes import PYTHON, running
from tests.support.waiting import PATIENCE_S, wait_until

LAST_CPU = max(os.sched_getaffinity(0))
ALL = f"nice = 7\nionice = best-effort:6\noom_score_adj = 321\ncpu_affinity = {LAST_CPU}\n"

# Says how many threads it has; the first child is started before anything else is done.
FAMILY = """\
import os, signal, threading
if os.fork() == 0:
    signal.pause()
threading.Thread(target=signal.pause, daemon=True).start()
print("here", os.getuid(), flush=True)
signal.pause()
"""


def said_by(*argv):
    return subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, check=True).stdout


def niceness(pid, tid):
    return int(Path(f"/proc/{pid}/task/{tid}/stat").read_text().rpartition(")")[2].split()[16])


def assert_has_all(pid):
    """The process and each thread of it."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        assert niceness(pid, task.name) == 7
        assert said_by("ionice", "-p", task.name).strip() == "best-effort: prio 6"
        assert said_by("taskset", "-p", "-c", task.name).rpartition(" ")[2].strip() == str(LAST_CPU)
    assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "321"
    assert "321" in said_by("choom", "-p", str(pid))


@pytest.mark.parametrize("more", ["", "rlimit_nofile = 99:200\n", "uid = nobody\n", "uid = nobody\nrlimit_core = 0\n"])
def test_a_process_its_threads_and_its_children_have_them(here, more):
    code = script(here.directory, "family", FAMILY)
    if "uid" in more:
        # Another user cannot enter the directory of a test, nor use this interpreter.
        code = "sh -c 'sleep 600 & echo here $(id -u); wait'"
    text = f"[watcher:w]\ncmd = {code}\n{ALL}{more}"
    stack = here.serve(str(write_watchers(here.directory, text)))
    stack.wait_line("here 65534" if "uid" in more else "here 0")
    [pid] = stack.pids("w")
    family = wait_until(lambda: len(found := stack.family()) == 2 and found, "the child", detail=stack.output)
    assert pid in [each.pid for each in family]
    for each in family:
        assert_has_all(each.pid)
    if "nofile" in more:
        words = Path(f"/proc/{pid}/limits").read_text().partition("Max open files")[2].split()
        assert words[:2] == ["99", "200"]
    # The arbiter's own are what they were.
    assert niceness(stack.pid, stack.pid) == os.getpriority(os.PRIO_PROCESS, 0)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_workers_on_inherited_sockets_have_them(here):
    stack = here.serve(str(write_ini(here.directory, more=f"[watcher:web]\n{ALL}")))
    for pid in stack.pids():
        assert_has_all(pid)
    assert stack.client().fetch("/")[0].status == 200
    assert stack.stop() == 0


def test_they_can_be_set_and_taken_away(here):
    stack = here.serve(str(write_watchers(here.directory, "[watcher:w]\ncmd = sleep 600\nnice = 3\n")))
    [first] = stack.pids("w")
    assert niceness(first, first) == 3
    stack.call("set", name="w", options={"nice": None, "ionice": "idle", "oom_score_adj": 1000}, waiting=True)
    [second] = stack.wait_pids(1, other_than=[first], watcher="w")
    assert niceness(second, second) == os.getpriority(os.PRIO_PROCESS, 0)
    assert said_by("ionice", "-p", str(second)).strip() == "idle"
    assert Path(f"/proc/{second}/oom_score_adj").read_text().strip() == "1000"
    done = here.run("circusctl", "set", "w", "ionice", "slow")
    assert done.returncode != 0
    assert "best-effort:7" in done.stdout + done.stderr
    assert stack.pids("w") == [second]
    assert stack.stop() == 0


def test_what_the_arbiter_cannot_give_is_refused_at_the_start_with_its_line(here):
    """A processor that no machine has; and, as a user without privileges, all that goes before others."""
    ini = write_watchers(here.directory, "[watcher:w]\ncmd = sleep 600\ncpu_affinity = 8191\n")
    done = here.run("circus-stack", "serve", str(ini))
    assert done.returncode == 2
    assert f"{ini}:3: [watcher:w] cpu_affinity: this arbiter may use none of them" in done.stderr
    code = """
import os
from circus_stack.system.priorities import Priorities, refusals
os.setuid(65534)
print(dict(refusals(Priorities(nice=-5, ionice="realtime:0", oom_score_adj=-999))))
print(dict(refusals(Priorities(nice=5, ionice="idle", oom_score_adj=999))))
"""
    with running([PYTHON, "-c", code], here.directory / "log") as program:
        assert program.wait_exit() == 0, program.output()
    refused, granted = program.output().splitlines()
    for option, need in (
        ("nice", "Permission denied"),
        ("ionice", "Operation not permitted"),
        ("oom_score_adj", "CAP_SYS_RESOURCE"),
    ):
        assert f"'{option}': " in refused
        assert need in refused
    assert granted == "{}"


def test_root_may_go_before_others_as_far_as_it_has_the_power():
    refused = dict(refusals(Priorities(nice=-5, ionice="realtime:7", oom_score_adj=-999)))
    expected = set() if has_capability(CAP_SYS_RESOURCE) else {"oom_score_adj"}
    assert set(refused) == expected
    # It was only tried.
    assert os.getpriority(os.PRIO_PROCESS, 0) == niceness(os.getpid(), os.getpid()) >= 0


def test_a_shell_line_has_them_too(here):
    text = "[watcher:w]\ncmd = sleep 600 | cat\nshell = true\nnice = 4\n"
    stack = here.serve(str(write_watchers(here.directory, text)))
    family = wait_until(lambda: len(found := stack.family()) >= 2 and found, "the pipe", detail=stack.output)
    assert {niceness(each.pid, each.pid) for each in family} == {4}
    assert stack.stop() == 0
    here.assert_nothing_left()
