"""Whoever finds processes without an arbiter is told of them, and can end them."""

from __future__ import annotations

import threading

from circus_stack.system.journal import is_locked
from tests.integration.adoption.crash import Stacks, is_alive, kill, wait_gone, wait_processes


def test_they_are_told_of_and_ended(here):
    stacks = Stacks(here, "[watcher:w]", "cmd = sleep 600", "numprocesses = 2")
    stack = stacks.start()
    before = wait_processes(stack, "w", 2)
    kill(stack)

    for command in ("stop", "status"):
        done = here.run("circus-stack", command)
        assert done.returncode == 1
        assert f"{stacks.ini}: 2 processes live on without an arbiter (pid {stack.pid} was killed)" in done.stderr
        assert "circus-stack stop --orphans" in done.stderr
    assert all(map(is_alive, before))

    done = here.run("circus-stack", "stop", "--orphans")
    assert (done.returncode, done.stdout) == (0, "2 processes ended\n"), done.stderr
    wait_gone(*before)
    done = here.run("circus-stack", "stop", "--orphans")
    assert done.returncode == 1
    assert "there are no processes without an arbiter" in done.stderr
    assert not stacks.ledger.exists()
    here.assert_nothing_left()


def test_a_stack_has_no_orphans_at_any_moment_of_an_upgrade(here):
    stacks = Stacks(here, "[watcher:w]", "cmd = sleep 600")
    stack = stacks.start()
    wait_processes(stack, "w", 1)
    directory = stacks.ledger.parent
    looks, has_ended = [], threading.Event()

    def look() -> None:
        while not has_ended.is_set():
            looks.append(is_locked(directory))
            has_ended.wait(0.001)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        done = here.run("circusctl", "--endpoint", f"ipc://{here.base}/c", "upgrade", timeout_s=120)
    finally:
        has_ended.set()
        looking.join()
    assert done.returncode == 0, done.stdout + done.stderr + stack.output()
    assert looks
    assert all(looks)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_stack_that_runs_has_no_orphans(here):
    stacks = Stacks(here, "[watcher:w]", "cmd = sleep 600")
    stack = stacks.start()
    done = here.run("circus-stack", "stop", "--orphans")
    assert done.returncode == 1
    assert "no processes without an arbiter" in done.stderr
    assert len(wait_processes(stack, "w", 1)) == 1
    assert stack.stop() == 0
    here.assert_nothing_left()
