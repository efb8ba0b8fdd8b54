"""Signals to the arbiter: more and fewer workers, a patient end, an impatient one; nothing is ever left behind."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.integration.serve.projects import SERVER, script, write_ini, write_watchers
from tests.support.waiting import wait_until

ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
STUBBORN = """\
import signal
import time

for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(each, signal.SIG_IGN)
print("deaf")
while True:
    time.sleep(60)
"""
# A worker whose child left its session and its process group, and ignores what is sent to it.
STRAY = """\
import os
import signal
import time

if os.fork() == 0:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("stray")
time.sleep(600)
"""
PAIR = """\
import os
import signal
import time

signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print("deaf")
time.sleep(600)
"""
OWN_SIGNAL = """\
import signal
import sys
import time

signal.signal(signal.SIGUSR1, lambda *_: (print("told"), sys.exit(0)))
print("listening")
while True:
    time.sleep(60)
"""


def one_watcher(here, code: str, **options: object) -> str:
    lines = "".join(f"{name} = {value}\n" for name, value in options.items())
    return str(write_watchers(here.directory, f"[watcher:w]\ncmd = {script(here.directory, 'w', code)}\n{lines}"))


@pytest.mark.parametrize("signum", ENDS)
def test_each_end_leaves_nothing_behind_not_even_a_stray(here, signum):
    more = f"[watcher:w]\ncmd = {script(here.directory, 'w', STRAY)}\n"
    stack = here.serve(str(write_ini(here.directory, more=more)))
    stack.wait_line("stray")
    assert len(stack.family()) == 4
    assert stack.stop(signum) == 0
    here.assert_nothing_left()


def test_the_stray_of_a_killed_worker_is_reaped_and_ends_with_the_stack(here):
    stack = here.serve(one_watcher(here, STRAY))
    stack.wait_line("stray")
    [before] = stack.pids("w")
    stack.call("signal", name="w", pid=before, signum="KILL")
    stack.wait_pids(1, other_than=[before], watcher="w")
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_ttin_and_ttou_add_and_take_a_worker(here):
    stack = here.serve(str(write_ini(here.directory)))
    before = stack.pids()
    stack.send(signal.SIGTTIN)
    more = stack.wait_pids(3)
    assert set(before) < set(more)
    stack.send(signal.SIGTTOU)
    assert stack.wait_pids(2) == before
    stack.send(signal.SIGTTOU)
    stack.wait_pids(1)
    stack.send(signal.SIGTTOU)
    stack.send(signal.SIGWINCH)
    assert stack.call("numprocesses", name="web")["numprocesses"] == 1
    assert stack.stop() == 0


def test_a_second_ctrl_c_kills_a_stubborn_child_at_once(here):
    stack = here.serve(one_watcher(here, STUBBORN, graceful_timeout=600))
    stack.wait_line("deaf")
    stack.send(signal.SIGINT)
    stack.wait_line("a second signal kills")
    assert stack.call("status")["statuses"] == {"w": "stopping"}

    def ask_again() -> bool:
        # One that comes within a moment counts as an echo of the first.
        stack.send(signal.SIGINT)
        return "every process is killed" in stack.output()

    wait_until(ask_again, "the second signal to count", pause_s=0.2)
    assert stack.program.wait_exit() == 0
    here.assert_nothing_left()


def test_graceful_timeout_ends_in_a_kill_of_the_whole_group(here):
    stack = here.serve(one_watcher(here, PAIR, graceful_timeout=0.5))
    wait_until(lambda: stack.output().count("deaf") == 2, "both processes", detail=stack.output)
    began = time.monotonic()
    assert stack.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began >= 0.5
    here.assert_nothing_left()


def test_the_stop_signal_is_the_watcher_s_own(here):
    stack = here.serve(one_watcher(here, OWN_SIGNAL, stop_signal="USR1"))
    stack.wait_line("listening")
    assert stack.stop() == 0
    assert "told" in stack.output()


@pytest.mark.parametrize("signum", ENDS)
def test_an_end_in_the_middle_of_the_start_leaves_nothing_behind(here, signum):
    """As soon as anything is bound; nothing has been started yet, and no handler may be there."""
    path = here.base / "web.sock"
    stack = here.start("circus-stack", "serve", str(write_ini(here.directory)), "--bind", f"unix:{path}")
    wait_until(path.exists, "the socket", pause_s=0.001)
    assert stack.stop(signum) == 0
    assert not path.exists()
    here.assert_nothing_left()


def test_an_end_while_a_service_is_not_ready_yet(here):
    text = "[watcher:slow]\ncmd = sleep 600\nready = notify\n[watcher:late]\ncmd = sleep 600\ndepends_on = slow\n"
    stack = here.start("circus-stack", "serve", str(write_watchers(here.directory, text)))
    stack.wait_line("slow.1 is starting")
    assert stack.call("status")["statuses"] == {"slow": "starting", "late": "starting"}
    assert stack.stop(signal.SIGTERM) == 0
    assert "ready in" not in stack.output()
    here.assert_nothing_left()


def test_workers_inherit_no_blocked_signal(here):
    stack = here.serve(str(write_ini(here.directory, server=SERVER)))
    for pid in stack.pids():
        status = Path(f"/proc/{pid}/status").read_text()
        [blocked] = [line.split()[1] for line in status.splitlines() if line.startswith("SigBlk:")]
        assert int(blocked, 16) == 0
    assert stack.stop() == 0


def test_an_arbiter_that_is_killed_leaves_a_directory_that_the_next_start_takes_over(here):
    ini = str(write_ini(here.directory))
    path = here.base / "web.sock"
    stack = here.serve(ini, "--bind", f"unix:{path}")
    orphans = stack.family()
    stack.send(signal.SIGKILL)
    stack.program.wait_exit()
    for each in orphans:
        each.kill()
    wait_until(lambda: not here.leftovers(), "the workers' end")
    assert here.run("circusctl", "status").returncode != 0
    again = here.serve(ini, "--bind", f"unix:{path}")
    assert again.client().fetch("/")[0].status == 200
    assert again.stop() == 0
    here.assert_nothing_left()


def test_quit_from_a_client_ends_the_stack(here):
    stack = here.serve(str(write_ini(here.directory)))
    done = here.run("circusctl", "quit", "--waiting")
    assert done.returncode == 0, done.stderr
    assert stack.program.wait_exit() == 0
    here.assert_nothing_left()


def test_stop_from_a_client_ends_the_stack(here):
    stack = here.serve(str(write_ini(here.directory)))
    done = here.run("circus-stack", "stop")
    assert done.returncode == 0, done.stderr
    assert stack.program.wait_exit() == 0
    here.assert_nothing_left()
