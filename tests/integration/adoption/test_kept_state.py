"""What an arbiter knows beside its processes survives an upgrade and its own death: counters, groups, who is spared."""

from __future__ import annotations

import os
import signal

import pytest

from circus_stack.system.cgroups import find_hierarchies
from tests.integration.adoption.crash import Stacks, is_alive, kill, wait_gone, wait_noted, wait_processes
from tests.integration.serve.projects import script, write_watchers
from tests.support.waiting import wait_until

# Fails, until it is told to hold: then it is silent.
PROBE = """
import os, sys, time
failing, holding, held = sys.argv[1:]
while os.path.exists(holding):
    open(held, "a").close()
    time.sleep(0.02)
sys.exit(os.path.exists(failing))
"""
# Begins a session of its own beside it.
DETACHES = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""
# Takes more memory than it may when it is asked to.
HOG = """
import signal, time
asked = []
signal.signal(signal.SIGUSR1, lambda *_: asked.append(1))
while not asked:
    time.sleep(0.02)
taken = []
while len(taken) < 300:
    taken.append(bytearray(b"x") * 1_000_000)
time.sleep(600)
"""


def health(stack):
    return stack.call("status", extended=True)["watchers"]["w"]["health"]


def test_failed_probes_are_counted_on_and_told_once(here):
    failing, holding, held = (here.directory / name for name in ("failing", "holding", "held"))
    failing.touch()
    probe = here.base / "probe.py"
    probe.write_text(PROBE)
    stacks = Stacks(
        here, "[watcher:w]", "cmd = sleep 600", f"health = exec:PYTHON -IS {probe} {failing} {holding} {held}",
        "health_scope = watcher", "health_interval = 0.1", "health_timeout = 600", "health_threshold = 100000",
    )  # fmt: skip
    stack = stacks.start()
    before = wait_processes(stack, "w", 1)
    wait_until(lambda: health(stack)["failures"] >= 2, "failures", detail=stack.output)
    holding.touch()
    # Whoever holds now has begun after the last failure that was counted.
    wait_until(held.exists, "a probe that holds")
    failures = health(stack)["failures"]

    done = here.run("circus-stack", "upgrade", timeout_s=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found = health(stack)
    assert (found["state"], found["failures"]) == ("unhealthy", failures)

    wait_noted(stacks, lambda facts: facts["watcher/w"]["record"]["health"]["patients"][0]["failures"] == failures)
    kill(stack)
    stack = stacks.start()
    assert stack.pids("w") == before
    found = health(stack)
    assert (found["state"], found["failures"]) == ("unhealthy", failures)
    failing.unlink()
    holding.unlink()
    wait_until(lambda: health(stack)["state"] == "healthy", "a good probe", detail=stack.output)
    assert stack.stop() == 0
    here.assert_nothing_left()


@pytest.mark.parametrize("when", ["with the arbiter", "before it", "after it"])
def test_what_a_process_has_detached_is_left_alone_where_its_kill_mode_says_so(here, when):
    note = here.directory / "detached"
    (here.base / "detaches.py").write_text(DETACHES)
    stacks = Stacks(here, "[watcher:w]", f"cmd = PYTHON -IS {here.base}/detaches.py {note}", "kill_mode = process")
    stack = stacks.start()
    [leader] = wait_processes(stack, "w", 1)
    wait_until(note.exists, "the detached process")
    detached = int(note.read_text())
    try:
        if when == "before it":
            os.kill(leader, signal.SIGKILL)
            wait_until(lambda: leader not in wait_processes(stack, "w", 1), "a successor")
            wait_noted(stacks, lambda facts: any(name.startswith("spared/") for name in facts))
            wait_until(lambda: int(note.read_text()) != detached, "what the successor has detached")
        kill(stack)
        if when == "with the arbiter":
            os.kill(leader, signal.SIGKILL)
            wait_gone(leader)

        stack = stacks.start()

        wait_processes(stack, "w", 1)
        assert is_alive(detached)
        assert stack.stop() == 0
        assert is_alive(detached)
    finally:
        for pid in {detached, int(note.read_text())}:
            os.kill(pid, signal.SIGKILL)
        wait_gone(detached, int(note.read_text()))


def test_an_adopted_process_that_takes_too_much_memory_is_known_to_have_been_killed_for_it(here):
    assert "memory" in find_hierarchies(), "a machine that is prepared for the tests has it"
    text = f"[watcher:w]\ncmd = {script(here.directory, 'hog', HOG)}\nmemory_max = 60M\n"
    ini = str(write_watchers(here.directory, text))
    stack = here.serve(ini)
    [before] = stack.pids("w")
    kill(stack)
    stack = here.serve(ini)
    assert stack.pids("w") == [before]
    os.kill(before, signal.SIGUSR1)
    stack.wait_line("killed by the kernel: memory_max 60M reached")
    wait_until(lambda: stack.pids("w") not in ([], [before]), "a successor")
    assert stack.stop() == 0
    here.assert_nothing_left()
