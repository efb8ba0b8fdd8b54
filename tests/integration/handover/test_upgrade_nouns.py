"""What else a stack is made of comes through an upgrade: hooks, plugins, services, limits, other users, failures."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.integration.handover.programs import upgrade
from tests.integration.serve.projects import CIRCUS_SECTION, script, write_ini, write_watchers
from tests.support.waiting import PATIENCE_S, wait_until

SLEEPING = "import time\nwhile True: time.sleep(60)\n"

HOOKS = """\
import os

def note(watcher, arbiter, hook_name, **more):
    with open(os.path.join(os.path.dirname(__file__), "called"), "a") as file:
        file.write(f"{hook_name} {watcher.name}\\n")
    return True
"""

NOUNS = """
[watcher:hooked]
cmd = {sleeping}
hooks.before_start = noting.note
hooks.after_spawn = noting.note
hooks.before_stop = noting.note
hooks.after_reap = noting.note

[watcher:limited]
cmd = {sleeping}
rlimit_nofile = 77
uid = nobody

[watcher:failing]
cmd = /bin/false
max_failures = 3

[watcher:once]
cmd = /bin/true
oneshot = true

[plugin:noting]
use = noting_plugin.Noting
"""

PLUGIN = """\
import os
from circus.plugins import CircusPlugin

class Noting(CircusPlugin):
    name = "noting"
    def handle_recv(self, data):
        watcher, action, message = self.split_data(data)
        with open(os.path.join(os.path.dirname(__file__), "heard"), "a") as file:
            file.write(f"{watcher} {action}\\n")
"""


def lines(path):
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.usefixtures("as_root")
def test_hooks_plugins_limits_users_failures_and_runs_come_through(here):
    (here.directory / "noting.py").write_text(HOOKS)
    (here.directory / "noting_plugin.py").write_text(PLUGIN)
    # Another user has to be able to enter the directory of the script, which pytest's is closed to.
    sleeping = f"{shell()} -c 'exec sleep 1000'"
    head = CIRCUS_SECTION.format(base=here.base)
    ini = write_watchers(here.directory, head + NOUNS.format(sleeping=sleeping), "x.ini")
    stack = here.circusd(str(ini), env={"PYTHONPATH": str(here.directory)})
    wait_until(lambda: stack.call("status", name="failing")["status"] == "failed", "a failed watcher")
    wait_until(lambda: stack.call("status", name="once")["status"] == "stopped", "the end of the run")
    names = ("hooked", "limited", "plugin:noting")
    before = {name: stack.pids(name) for name in names}
    status = stack.call("status", extended=True)["watchers"]
    called = lines(here.directory / "called")

    upgrade(stack)

    assert {name: stack.pids(name) for name in names} == before
    after = stack.call("status", extended=True)
    assert after["watchers"]["failing"] == status["failing"]
    assert after["watchers"]["once"] == status["once"]
    assert after["statuses"]["failing"] == "failed"
    # A hook of the start isn't called again; those of the end still are.
    assert lines(here.directory / "called") == called
    stack.call("stop", name="hooked", waiting=True)
    assert lines(here.directory / "called")[len(called) :] == ["before_stop hooked", "after_reap hooked"]
    # The plugin has found the new arbiter by itself.
    wait_until(
        lambda: (
            stack.call("start", name="hooked", waiting=True)
            and stack.call("stop", name="hooked", waiting=True)
            and "hooked stop" in lines(here.directory / "heard")
        ),
        "news for the plugin",
        pause_s=0.2,
    )
    # What is spawned from here on is spawned as before.
    os.kill(stack.pids("limited")[0], signal.SIGKILL)
    (pid,) = stack.wait_pids(1, watcher="limited", other_than=before["limited"])

    def most_files() -> str:
        return Path(f"/proc/{pid}/limits").read_text().split("Max open files")[1].split()[0]

    # The program that sets limits, and the one that becomes another user, are started as the arbiter's own.
    wait_until(lambda: most_files() == "77", "its limit", detail=most_files)
    wait_until(lambda: psutil.Process(pid).uids().real != 0, "another user")
    assert stack.stop() == 0
    here.assert_nothing_left()


def shell():
    return "/bin/sh"


def test_a_service_and_a_reload_after_the_upgrade(here):
    more = "[service:redis]\nport = 0\n"
    ini = write_ini(here.directory, more=more)
    stack = here.serve(str(ini))
    redis, web = stack.pids("redis"), stack.pids("web")
    upgrade(stack)
    assert (stack.pids("redis"), stack.pids("web")) == (redis, web)
    assert stack.call("reloadconfig", dry_run=True)["changes"] == []
    ini.write_text(ini.read_text().replace("workers = 2", "workers = 3"))
    stack.call("reloadconfig", waiting=True)
    assert set(stack.wait_pids(3)) > set(web)
    assert stack.pids("redis") == redis
    stack.call("reload", name="web", waiting=True)
    stack.wait_pids(3, other_than=web)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_process_that_is_about_to_come_up_is_waited_for_and_one_that_is_late_is_ended(here):
    flag = here.directory / "flag"
    notifying = script(
        here.directory,
        "notifying",
        "import os, socket, time\n"
        f"while not os.path.exists({str(flag)!r}): time.sleep(0.05)\n"
        "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])\n" + SLEEPING,
    )
    sleeping = script(here.directory, "sleeping", SLEEPING)
    text = (
        CIRCUS_SECTION.format(base=here.base)
        + f"[watcher:coming]\ncmd = {notifying}\nready = notify\n"
        + f"[watcher:late]\ncmd = {sleeping}\nready = exec:test -e {flag}.never\nready_timeout = 15\n"
    )
    stack = here.start("circusd", str(write_watchers(here.directory, text, "x.ini")))
    wait_until(lambda: stack.pids("coming") and stack.pids("late"), "processes", detail=stack.output)
    before = stack.pids("coming"), stack.pids("late")
    with stack.subscribe() as events:
        assert events.join(PATIENCE_S)
        upgrade(stack)
    assert stack.pids("coming") == before[0]
    assert stack.call("status", name="coming")["status"] == "starting"
    flag.touch()
    wait_until(lambda: stack.call("status", name="coming")["status"] == "active", "readiness", detail=stack.output)
    assert stack.pids("coming") == before[0]
    wait_until(lambda: stack.pids("late") != before[1], "the end of the late one", timeout_s=2 * PATIENCE_S)
    assert stack.stop() == 0
    here.assert_nothing_left()
