"""Whoever finds processes without an arbiter is told of them, and can end them."""

from __future__ import annotations

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


def test_a_stack_that_runs_has_no_orphans(here):
    stacks = Stacks(here, "[watcher:w]", "cmd = sleep 600")
    stack = stacks.start()
    done = here.run("circus-stack", "stop", "--orphans")
    assert done.returncode == 1
    assert "no processes without an arbiter" in done.stderr
    assert len(wait_processes(stack, "w", 1)) == 1
    assert stack.stop() == 0
    here.assert_nothing_left()
