"""An adopted stack is one like any other: it can be upgraded, and its workers say that they are ready."""

from __future__ import annotations

from tests.integration.adoption.crash import Stacks, assert_whole, is_alive, kill, wait_gone, wait_noted, wait_processes
from tests.integration.serve.projects import write_app, write_ini


def test_it_is_upgraded_and_adopted_again(here):
    log = here.directory / "n.log"
    stacks = Stacks(here, "[watcher:n]", "cmd = NUMBERS 0.002", "numprocesses = 2", f"stdout_stream.filename = {log}")
    stack = stacks.start()
    before = wait_processes(stack, "n", 2)
    kill(stack)
    stack = stacks.start()
    done = here.run("circus-stack", "upgrade", timeout_s=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert stack.pids("n") == before
    kill(stack)

    stack = stacks.start()

    assert stack.pids("n") == before
    assert stack.stop() == 0
    wait_gone(*before)
    assert_whole(log)
    here.assert_nothing_left()


# An application that takes its time until the test lets it go on.
SLOW_APP = """
import os, sys, time
while not os.path.exists(os.environ["GO"]):
    time.sleep(0.02)


def app(environ, start_response):
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


def make(global_conf, **settings):
    return app
"""


def test_a_worker_that_comes_up_while_there_is_no_arbiter_is_ready_for_the_next(here):
    go = here.directory / "go"
    write_app(here.directory, SLOW_APP)
    ini = write_ini(here.directory)
    environ = {"GO": str(go)}
    stack = here.start("circus-stack", "serve", str(ini), "--backend", "waitress", env=environ)
    stacks = Ledger(here)
    wait_noted(stacks, lambda facts: len([each for name, each in facts.items() if name.startswith("process/")]) == 2)
    wait_noted(
        stacks, lambda facts: all(each.get("started") for name, each in facts.items() if name.startswith("process/"))
    )
    before = stack.pids()
    kill(stack)
    go.touch()

    stack = here.serve(str(ini), "--backend", "waitress", env=environ)

    assert stack.wait_pids(2) == before
    assert stack.stop() == 0
    assert not any(map(is_alive, before))
    here.assert_nothing_left()


class Ledger:
    """Where the ledger of a `serve` is."""

    def __init__(self, room):
        self._room = room

    @property
    def ledger(self):
        return next(self._room.state.rglob("journal"), self._room.state / "none")
