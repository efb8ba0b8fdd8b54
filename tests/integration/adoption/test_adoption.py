"""After kill -9 of the arbiter the processes serve on, and the next one takes them over as they are."""

from __future__ import annotations

import os
import signal

import pytest

from tests.integration.adoption.crash import (
    Stacks,
    assert_whole,
    facts,
    is_alive,
    kill,
    wait_gone,
    wait_noted,
    wait_processes,
)
from tests.support.waiting import wait_until

SLEEP = "cmd = sleep 600"


def test_processes_lines_and_changes_are_taken_over(here):
    log = here.directory / "n.log"
    stacks = Stacks(
        here,
        "[watcher:n]", "cmd = NUMBERS 0.002", "numprocesses = 2", f"stdout_stream.filename = {log}",
        "[watcher:halted]", SLEEP,
    )  # fmt: skip
    stack = stacks.start()
    stack.call("incr", name="n", waiting=True)
    stack.call("set", name="n", options={"graceful_timeout": 17}, waiting=True)
    stack.call("stop", name="halted", waiting=True)
    stack.call("add", name="added", cmd="sleep 600", start=True, waiting=True)
    before, added = wait_processes(stack, "n", 3), wait_processes(stack, "added", 1)
    kill(stack)
    assert all(map(is_alive, [*before, *added]))

    stack = stacks.start()

    assert stack.pids("n") == before
    assert stack.pids("added") == added
    assert stack.call("status")["statuses"] == {"n": "active", "halted": "stopped", "added": "active"}
    assert stack.call("numprocesses", name="n")["numprocesses"] == 3
    assert stack.call("options", name="n")["options"]["graceful_timeout"] == 17
    assert "adopted 4 processes" in stack.output()
    assert stack.stop() == 0
    wait_gone(*before, *added)
    assert_whole(log)
    assert not stacks.ledger.exists()
    here.assert_nothing_left()


def test_secrets_in_files_that_did_not_change_replace_nobody_and_are_in_no_ledger(here):
    (here.directory / "many.env").write_text("TOKEN=geheim\n")
    (here.directory / "one").write_text("geheim")
    stacks = Stacks(
        here, "[watcher:w]", SLEEP, f"env_file = {here.directory}/many.env", f"env.ONE_file = {here.directory}/one"
    )
    stack = stacks.start()
    before = wait_processes(stack, "w", 1)
    assert b"geheim" not in b"".join(each.read_bytes() for each in stacks.ledger.rglob("*") if each.is_file())
    kill(stack)

    stack = stacks.start()
    assert stack.call("reloadconfig", waiting=True)["changes"] == []
    assert stack.pids("w") == before
    done = here.run("circus-stack", "upgrade", timeout_s=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert stack.call("reloadconfig", waiting=True)["changes"] == []
    assert stack.pids("w") == before
    (here.directory / "one").write_text("anders")
    assert stack.call("reloadconfig", waiting=True)["changes"] != []
    assert stack.pids("w") != before
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_all_that_is_done_with_processes_is_done_with_adopted_ones(here):
    stacks = Stacks(here, "[watcher:w]", SLEEP, "numprocesses = 4", "graceful_timeout = 5")
    stack = stacks.start()
    before = wait_processes(stack, "w", 4)
    kill(stack)
    stack = stacks.start()

    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: before[0] not in stack.pids("w") and len(stack.pids("w")) == 4, "a successor")
    assert set(before[1:]) < set(stack.pids("w"))
    stack.call("kill", name="w", pid=before[1], waiting=True)
    stack.call("signal", name="w", pid=before[2], signum="TERM")
    wait_gone(*before[:3])
    stack.call("decr", name="w", nb=3, waiting=True)
    assert len(stack.pids("w")) == 1
    stack.call("incr", name="w", nb=1, waiting=True)
    stack.call("restart", name="w", waiting=True)
    fresh = wait_processes(stack, "w", 2)
    assert not set(fresh) & set(before)
    wait_gone(*before)
    stack.call("stop", name="w", waiting=True)
    assert stack.pids("w") == []
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_who_died_meanwhile_is_replaced(here):
    stacks = Stacks(here, "[watcher:w]", SLEEP, "numprocesses = 3")
    stack = stacks.start()
    before = wait_processes(stack, "w", 3)
    kill(stack)
    os.kill(before[1], signal.SIGKILL)
    wait_gone(before[1])

    stack = stacks.start()
    after = wait_processes(stack, "w", 3)

    assert len(set(after) & set(before)) == 2
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_the_file_as_it_is_now_is_applied(here):
    stacks = Stacks(
        here,
        "[watcher:stays]", SLEEP, "numprocesses = 2",
        "[watcher:goes]", SLEEP,
        "[watcher:changes]", SLEEP, "[env:changes]", "A = 1",
    )  # fmt: skip
    stack = stacks.start()
    stays, goes = wait_processes(stack, "stays", 2), wait_processes(stack, "goes", 1)
    changes = wait_processes(stack, "changes", 1)
    kill(stack)
    stacks.write(
        "[watcher:stays]", SLEEP, "numprocesses = 3",
        "[watcher:comes]", SLEEP,
        "[watcher:changes]", SLEEP, "[env:changes]", "A = 2",
    )  # fmt: skip

    stack = stacks.start()
    wait_until(lambda: set(stack.call("status")["statuses"]) == {"stays", "comes", "changes"}, "the watchers")

    assert set(stays) < set(wait_processes(stack, "stays", 3))
    wait_gone(*goes, *changes)
    assert len(wait_processes(stack, "comes", 1)) == 1
    assert len(wait_processes(stack, "changes", 1)) == 1
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_what_is_wrong_in_the_file_leaves_the_orphans_alone(here):
    stacks = Stacks(here, "[watcher:w]", SLEEP)
    stack = stacks.start()
    before = wait_processes(stack, "w", 1)
    text = stacks.ini.read_text()
    kill(stack)
    stacks.ini.write_text(text + "\nnumprocesses = many\n")
    failed = stacks.begin()
    assert failed.program.wait_exit() == 2
    assert is_alive(before[0])
    stacks.ini.write_text(text)

    stack = stacks.start()

    assert stack.pids("w") == before
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_it_may_be_killed_again_and_again(here):
    log = here.directory / "n.log"
    stacks = Stacks(here, "[watcher:n]", "cmd = NUMBERS 0.001", "numprocesses = 2", f"stdout_stream.filename = {log}")
    stack = stacks.start()
    before = wait_processes(stack, "n", 2)
    for _ in range(3):
        kill(stack)
        stack = stacks.start()
        assert stack.pids("n") == before
    assert stack.stop() == 0
    assert_whole(log)
    here.assert_nothing_left()


@pytest.mark.parametrize("state", ["known", "unknown to the ledger"])
def test_no_adopt_ends_the_old_processes_first(here, state):
    stacks = Stacks(here, "[watcher:w]", SLEEP, "numprocesses = 2")
    stack = stacks.start()
    before = wait_processes(stack, "w", 2)
    kill(stack)
    if state != "known":
        forget_processes(stacks, lambda _fact: True)

    stack = stacks.start("--no-adopt")
    after = wait_processes(stack, "w", 2)

    assert not set(after) & set(before)
    assert not any(map(is_alive, before))
    assert stack.stop() == 0
    here.assert_nothing_left()


def forget_processes(stacks, which):
    """Have the ledger lack what it said of some processes: as if the arbiter had been killed before it could."""
    gone = {name for name, fact in facts(stacks).items() if name.startswith("process/") and which(fact)}
    assert gone
    lines = stacks.ledger.read_text().splitlines(keepends=True)
    stacks.ledger.write_text("".join(line for line in lines if not any(f'["{name}"' in line for name in gone)))


def test_whom_the_ledger_lacks_is_ended_and_replaced(here):
    stacks = Stacks(here, "[watcher:w]", SLEEP, "numprocesses = 3")
    stack = stacks.start()
    before = wait_processes(stack, "w", 3)
    kill(stack)
    forget_processes(stacks, lambda fact: fact["record"]["pid"] == before[0])

    stack = stacks.start()
    after = wait_processes(stack, "w", 3)

    assert not is_alive(before[0])
    assert set(after) & set(before) == set(before[1:])
    assert stack.stop() == 0
    here.assert_nothing_left()


# Overwrites the memory in which /proc shows its environment, as setproctitle does.
HIDES = "import setproctitle, time; setproctitle.setproctitle('hidden'); time.sleep(600)"


@pytest.mark.parametrize("cmd", ["sleep 600", f'PYTHON -c "{HIDES}"'])
def test_who_was_about_to_start_is_found_and_adopted(here, cmd):
    stacks = Stacks(here, "[watcher:w]", f"cmd = {cmd}", "numprocesses = 2")
    stack = stacks.start()
    before = wait_processes(stack, "w", 2)
    wait_noted(stacks, lambda said: sum(1 for fact in said.values() if fact.get("started")) == 2)
    kill(stack)
    # What is left are the notes from before the start: no pid.
    lines = stacks.ledger.read_text().splitlines(keepends=True)
    stacks.ledger.write_text("".join(line for line in lines if '["process/' not in line or '"pid":0' in line))

    stack = stacks.start()

    assert stack.pids("w") == before
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_ledger_that_cannot_be_read_costs_the_processes_but_doubles_none(here):
    stacks = Stacks(here, "[watcher:w]", SLEEP, "numprocesses = 2")
    stack = stacks.start()
    before = wait_processes(stack, "w", 2)
    kill(stack)
    stacks.ledger.write_text(stacks.ledger.read_text().replace('"format":1', '"format":99'))

    stack = stacks.start()
    after = wait_processes(stack, "w", 2)

    assert not set(after) & set(before)
    assert not any(map(is_alive, before))
    assert "it is of format 99" in stack.output()
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_second_start_meets_the_lock(here):
    stacks = Stacks(here, "[watcher:w]", SLEEP)
    stack = stacks.start()
    second = here.start("circusd", str(stacks.ini), env={"XDG_RUNTIME_DIR": str(here.directory)})
    assert second.program.wait_exit() == 1
    assert "its state directory" in second.output()
    assert stack.stop() == 0
    here.assert_nothing_left()
