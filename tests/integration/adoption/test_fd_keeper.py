"""Where the kernel gives nobody the descriptors of the processes, a keeper beside the arbiter has them."""

from __future__ import annotations

import os
import pwd
import signal

import pytest

from tests.integration.adoption.confined import (
    HIDE,
    ConfinedStacks,
    held_by,
    keeper_of,
    serve,
    wait_keeper,
    wait_kept,
)
from tests.integration.adoption.crash import Stacks, assert_whole, facts, is_alive, kill, wait_gone, wait_processes
from tests.integration.adoption.test_sockets import ask, inode, server
from tests.integration.serve.projects import write_ini
from tests.support.load import pausing_clients, wrk
from tests.support.ports import free_port
from tests.support.waiting import wait_until

SLEEP = "cmd = sleep 600"


def names_in_ledger(stacks):
    """Sockets and pipes that the ledger knows."""
    said = facts(stacks)
    pipes = [name for key, fact in said.items() if key.startswith("process/") for name in fact["pipes"].values()]
    return [
        *pipes,
        *(name for key, fact in said.items() if key.startswith("socket/") for name in fact["names"].values()),
    ]


def test_workers_that_hide_are_taken_over_under_load(here):
    ini = write_ini(here.directory)
    app = here.directory / "hello.py"
    app.write_text(HIDE + app.read_text())
    stack = serve(here, str(ini), "--backend", "gevent")
    before, address = stack.wait_pids(2), stack.address()
    bound, keeper = inode(address), wait_keeper(stack)
    wait_kept(keeper, f"socket:[{bound[0]}]")
    with wrk(address[1], keep_alive=True) as load, pausing_clients(address) as idle:
        for _ in range(2):
            kill(stack)
            assert is_alive(keeper)
            stack = serve(here, str(ini), "--backend", "gevent")
            assert stack.wait_pids(2) == before
            assert keeper_of(stack) == keeper
    assert load.errors == []
    assert idle.errors == []
    assert load.requests > 100
    assert inode(address) == bound
    assert "fd keeper" in here.run("circus-stack", "status").stdout
    # Its end is no matter but for the next crash: another one has everything.
    os.kill(keeper, signal.SIGKILL)
    other = wait_keeper(stack, other_than=keeper)
    wait_kept(other, f"socket:[{bound[0]}]")
    done = here.run("circus-stack", "upgrade", timeout_s=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert wait_keeper(stack) == other
    wait_kept(other, f"socket:[{bound[0]}]")
    kill(stack)
    stack = serve(here, str(ini), "--backend", "gevent")
    assert stack.wait_pids(2) == before
    assert stack.stop() == 0
    wait_gone(other)
    here.assert_nothing_left()


def test_no_line_of_those_who_hide_is_lost(here):
    log = here.directory / "n.log"
    stacks = ConfinedStacks(
        here, "[watcher:n]", "cmd = HIDDEN_NUMBERS 0.002", "numprocesses = 2", f"stdout_stream.filename = {log}"
    )
    # The second look is at the first sweep: they hide a moment after their start.
    stacks.write(
        "check_delay = 0.2", "[watcher:n]", "cmd = HIDDEN_NUMBERS 0.002", "numprocesses = 2",
        f"stdout_stream.filename = {log}",
    )  # fmt: skip
    stack = stacks.start()
    before, keeper = wait_processes(stack, "n", 2), wait_keeper(stack)
    for _ in range(2):
        wait_kept(keeper, *names_in_ledger(stacks))
        kill(stack)
        stack = stacks.start()
        assert stack.pids("n") == before
    # Those who come later are kept, too; those who go are not.
    gone = names_in_ledger(stacks)
    stack.call("restart", name="n", waiting=True)
    wait_kept(keeper, *names_in_ledger(stacks))
    wait_until(lambda: not set(gone) & held_by(keeper), "the old pipes' end")
    assert stack.stop() == 0
    wait_gone(keeper)
    assert_whole(log)
    here.assert_nothing_left()


def test_a_worker_of_another_user_is_taken_over_without_the_power_to_look_into_it(here):
    nobody = pwd.getpwnam("nobody")
    stacks = ConfinedStacks(
        here, *server(here, f"uid = {nobody.pw_name}"), "[socket:web]", "host = 127.0.0.1", f"port = {free_port()}"
    )
    stack = stacks.start()
    [before], keeper = wait_processes(stack, "w", 1), wait_keeper(stack)
    wait_kept(keeper, *names_in_ledger(stacks))
    kill(stack)
    stack = stacks.start()
    assert wait_processes(stack, "w", 1) == [before]
    assert ask(stack.address()) == before
    assert stack.stop() == 0
    wait_gone(keeper)
    here.assert_nothing_left()


def test_without_one_who_holds_a_port_and_hides_is_ended_and_the_start_goes_on(here):
    nobody = pwd.getpwnam("nobody")
    port = free_port()
    nothing = f"exec >/dev/null 2>&1; exec /usr/bin/python3 -IS {here.base}/server.py $(circus.sockets.web)"
    sections = (
        "fd_keeper = never", *server(here)[:1], f"cmd = {nothing}", "shell = True", "use_sockets = True",
        f"uid = {nobody.pw_name}", "[socket:web]", "host = 127.0.0.1", f"port = {port}",
    )  # fmt: skip
    stacks = ConfinedStacks(here, *sections)
    stack = stacks.start()
    [before] = wait_processes(stack, "w", 1)
    wait_until(lambda: ask(("127.0.0.1", port)) == before, "an answer")
    kill(stack)

    stack = stacks.start()

    [after] = wait_processes(stack, "w", 1)
    assert not is_alive(before)
    wait_until(lambda: ask(("127.0.0.1", port)) == after, "an answer")
    assert "they are ended, and started anew" in stack.output()
    assert keeper_of(stack) is None
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_who_needs_none_has_none(here):
    stacks = Stacks(here, "[watcher:w]", SLEEP)
    stack = stacks.start()
    wait_processes(stack, "w", 1)
    assert keeper_of(stack) is None
    assert [each.name() for each in stack.family()] == ["sleep"]
    assert stack.stop() == 0
    here.assert_nothing_left()


@pytest.mark.parametrize("how", ["ended", "not adopted", "stopped as orphans"])
def test_it_ends_when_nobody_is_left(here, how):
    stacks = Stacks(
        here, "fd_keeper = always", *server(here), "[socket:web]", "host = 127.0.0.1", f"port = {free_port()}"
    )
    stack = stacks.start()
    [before], keeper = wait_processes(stack, "w", 1), wait_keeper(stack)
    wait_kept(keeper, *names_in_ledger(stacks))
    kill(stack)
    if how == "ended":
        os.kill(before, signal.SIGKILL)
        wait_gone(keeper)
    elif how == "stopped as orphans":
        done = here.run("circus-stack", "stop", "--orphans")
        assert (done.returncode, done.stdout) == (0, "1 process ended\n"), done.stderr
        wait_gone(keeper)
    else:
        stack = stacks.start("--no-adopt")
        wait_gone(keeper)
        assert wait_keeper(stack) != keeper
        assert stack.stop() == 0
    assert here.leftovers() == []
