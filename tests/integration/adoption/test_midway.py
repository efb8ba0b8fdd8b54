"""The arbiter is killed in the midst of things: the next start ends in a sane state, whatever it was."""

from __future__ import annotations

import os
import signal
import sys

from tests.integration.adoption.crash import Stacks, is_alive, kill, wait_gone, wait_noted, wait_processes
from tests.support.waiting import wait_until

SLEEP = "cmd = sleep 600"
# Is ready when a file is there, and takes its time to stop while another one is.
SLOW = """
import os, signal, socket, sys, time
ready, holds = sys.argv[1:]
ends = []
signal.signal(signal.SIGTERM, lambda *_: ends.append(1))
said = False
while not ends or os.path.exists(holds):
    if not said and os.path.exists(ready):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            try:
                sock.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
                said = True
            except OSError:
                pass
    time.sleep(0.02)
"""


class Slow:
    """A watcher that comes up and stops when the test lets it."""

    def __init__(self, here):
        self.ready, self.holds = here.directory / "ready", here.directory / "holds"
        script = here.directory / "slow.py"
        script.write_text(SLOW)
        self.sections = (
            "[watcher:w]", f"cmd = {sys.executable} -IS {script} {self.ready} {self.holds}", "ready = notify",
            "ready_timeout = 60", "graceful_timeout = 60", "numprocesses = 2", "use_sockets = True",
        )  # fmt: skip


def slow_serving(here, *others):
    """It serves: the watcher, the stack's starts, the stack, and the pids of its two processes."""
    slow = Slow(here)
    slow.ready.touch()
    stacks = Stacks(here, *slow.sections, *others)
    stack = stacks.start()
    return slow, stacks, stack, wait_processes(stack, "w", 2)


def of_state(facts, state):
    return [fact for name, fact in facts.items() if name.startswith("process/") and fact["record"]["state"] == state]


def test_in_the_midst_of_a_start(here):
    slow = Slow(here)
    stacks = Stacks(here, *slow.sections, "[watcher:after]", SLEEP, "depends_on = w")
    stack = stacks.begin()
    wait_noted(stacks, lambda facts: len([each for each in of_state(facts, "starting") if each.get("started")]) == 2)
    before = stack.pids("w")
    kill(stack)
    # They become ready while nobody listens.
    slow.ready.touch()

    stack = stacks.start()

    assert wait_processes(stack, "w", 2) == before
    assert len(wait_processes(stack, "after", 1)) == 1
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_in_the_midst_of_a_rolling_reload(here):
    slow, stacks, stack, before = slow_serving(here)
    slow.ready.unlink()
    stack.call("reload", name="w")
    wait_until(lambda: len(stack.pids("w")) == 4, "two generations")
    wait_noted(stacks, lambda facts: len([each for each in of_state(facts, "starting") if each.get("started")]) == 2)
    new = set(stack.pids("w")) - set(before)
    kill(stack)
    slow.ready.touch()

    stack = stacks.start()

    # What was asked for happens: a new generation, and of the old ones nobody is left.
    wait_gone(*before)
    assert len(wait_processes(stack, "w", 2)) == 2
    wait_until(lambda: not any(map(is_alive, new)) or new == set(stack.pids("w")), "the first try")
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_in_the_midst_of_a_stop(here):
    slow, stacks, stack, before = slow_serving(here, "[watcher:other]", SLEEP)
    other = wait_processes(stack, "other", 1)
    slow.holds.touch()
    stack.call("stop", name="w")
    wait_noted(stacks, lambda facts: len(of_state(facts, "stopping")) == 2)
    kill(stack)

    stack = stacks.start()
    assert stack.call("status", name="w")["status"] == "stopping"
    slow.holds.unlink()

    wait_until(lambda: stack.call("status", name="w")["status"] == "stopped", "the stop")
    wait_gone(*before)
    assert stack.pids("other") == other
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_in_the_midst_of_a_restart(here):
    slow, stacks, stack, before = slow_serving(here)
    slow.holds.touch()
    stack.call("restart", name="w")
    wait_noted(stacks, lambda facts: len(of_state(facts, "stopping")) == 2)
    kill(stack)
    slow.holds.unlink()

    stack = stacks.begin()

    after = wait_processes(stack, "w", 2)
    assert not set(after) & set(before)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_in_the_midst_of_the_end(here):
    slow, stacks, stack, before = slow_serving(here)
    slow.holds.touch()
    stack.send(signal.SIGTERM)
    wait_noted(stacks, lambda facts: facts["head"]["is_quitting"] and len(of_state(facts, "stopping")) == 2)
    kill(stack)
    slow.holds.unlink()

    stack = stacks.start()

    assert not set(wait_processes(stack, "w", 2)) & set(before)
    assert not any(map(is_alive, before))
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_what_an_ended_leader_has_left_of_its_group_is_ended(here):
    stacks = Stacks(here, "[watcher:w]", f'cmd = {sys.executable} -c "import os, time; os.fork(); time.sleep(600)"')
    stack = stacks.start()
    [leader] = wait_processes(stack, "w", 1)
    child = wait_until(lambda: [each.pid for each in stack.family() if each.pid != leader], "its child")[0]
    kill(stack)
    os.kill(leader, signal.SIGKILL)
    wait_gone(leader)
    assert is_alive(child)

    stack = stacks.start()

    wait_gone(child)
    assert wait_processes(stack, "w", 1) != [leader]
    assert stack.stop() == 0
    here.assert_nothing_left()
