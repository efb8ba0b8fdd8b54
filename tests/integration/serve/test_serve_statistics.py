"""`serve` without a word about figures: circusd-stats runs beside the stack, answers, survives and ends with it."""

from __future__ import annotations

import os
import signal

from tests.support.stack import Room
from tests.support.waiting import wait_until


def test_figures_are_there_unless_refused(here: Room) -> None:
    # The suite turns it off where a file says nothing; a user's environment does not.
    stack = here.serve("wsgiref.simple_server:demo_app", "--bind", "127.0.0.1:0", env={"CIRCUS_STACK_STATSD": ""})
    [before] = stack.wait_pids(1, watcher="circusd-stats")
    [worker] = stack.pids("web")

    def sampled() -> bool:
        done = here.run("circusctl", "stats", "--since", "1m", "web")
        return done.returncode == 0 and len(done.stdout.splitlines()) > 1

    wait_until(sampled, "figures of the worker", detail=stack.output)
    os.kill(before, signal.SIGKILL)
    [after] = stack.wait_pids(1, other_than=[before], watcher="circusd-stats")
    assert stack.pids("web") == [worker]
    wait_until(sampled, "figures again", detail=stack.output)

    # Neither a client that looks for stacks meanwhile nor the next arbiter takes away the files at which it listens.
    stack.send(signal.SIGKILL)
    assert stack.program.wait_exit() == -signal.SIGKILL
    assert here.run("circusctl", "status").returncode != 0
    stack = here.serve("wsgiref.simple_server:demo_app", "--bind", "127.0.0.1:0", env={"CIRCUS_STACK_STATSD": ""})
    assert stack.pids("circusd-stats") == [after]
    wait_until(sampled, "figures of who was adopted", detail=stack.output)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_the_environment_turns_it_off_and_the_file_decides(here: Room) -> None:
    ini = here.directory / "app.ini"
    ini.write_text("[watcher:idle]\ncmd = sleep 600\n")
    silent = here.serve(str(ini), env={"CIRCUS_STACK_STATSD": "0"})
    assert silent.call("list")["watchers"] == ["idle"]
    assert silent.stop() == 0
    ini.write_text("[watcher:idle]\ncmd = sleep 600\n[circus]\nstatsd = true\n")
    told = here.serve(str(ini), env={"CIRCUS_STACK_STATSD": "0"})
    assert told.call("list")["watchers"] == ["circusd-stats", "idle"]
    assert told.stop() == 0


def test_a_file_that_says_what_runs_plans_nothing(here: Room) -> None:
    ini = here.directory / "app.ini"
    ini.write_text("[watcher:idle]\ncmd = sleep 600\n[circus]\nstatsd = true\n")
    stack = here.serve(str(ini))
    assert stack.call("reloadconfig", dry_run=True)["changes"] == []
    [before] = stack.pids("circusd-stats")
    assert stack.call("reloadconfig", roll=True, waiting=True)["changes"] == []
    assert stack.pids("circusd-stats") == [before]
    assert stack.stop() == 0
