"""The programs as PID 1 of a PID namespace, as a container has them: strangers, signals, exit status."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket

import psutil
import pytest

from circus_stack.client.sync import Client
from tests.integration.serve.projects import CIRCUS_SECTION, script, write_ini, write_watchers
from tests.support.processes import BIN, Program
from tests.support.stack import READY, Room, RunningStack
from tests.support.waiting import PATIENCE_S, wait_until

pytestmark = pytest.mark.usefixtures("as_root")

# Makes orphans whose parent is gone at once, and says when all of them have ended: each holds the pipe open.
ORPHANS = """\
import os, time
reader, writer = os.pipe()
for number in range(20):
    if os.fork() == 0:
        if os.fork() == 0:
            os.setsid() if number % 2 else None
            time.sleep(0.2)
        os._exit(number)
    os.wait()
os.close(writer)
os.read(reader, 1)
print("all orphans ended", flush=True)
time.sleep(600)
"""
# Leaves a daemon behind, and tells which signal ends itself.
STRAYING = """\
import os, signal, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
    os._exit(0)
os.wait()
def end(signum, frame):
    print("ended by", signal.Signals(signum).name, flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("straying", flush=True)
time.sleep(600)
"""


def start(here: Room, *argv: str) -> RunningStack:
    """A program of ours as PID 1; the one that the test sees is unshare, which ends with its status."""
    unshare = shutil.which("unshare")
    assert unshare, "unshare (util-linux) is missing"
    words = [unshare, "--pid", "--fork", "--mount-proc", "--kill-child", str(BIN / argv[0]), *argv[1:]]
    log = here.directory / "pid1.log"
    return here.adopt(Program(words, log, base_env=here.environ, cwd=here.directory))


def arbiter_of(stack: RunningStack) -> psutil.Process:
    """PID 1, as it is seen from outside."""
    (found,) = wait_until(lambda: psutil.Process(stack.pid).children(), "the namespace", detail=stack.output)
    return found


def pid_inside(process: psutil.Process) -> int:
    with open(f"/proc/{process.pid}/status") as status:  # noqa: PTH123
        line = next(each for each in status if each.startswith("NSpid:"))
    return int(line.split()[-1])


def client(here: Room) -> Client:
    (found,) = here.stacks()
    assert found.record.pid == 1
    return Client(found.record.endpoint, timeout_s=PATIENCE_S)


def test_strangers_are_reaped(here: Room) -> None:
    ini = write_watchers(here.directory, f"[watcher:o]\ncmd = {script(here.directory, 'orphans', ORPHANS)}\n")
    stack = start(here, "circus-stack", "serve", str(ini))
    stack.wait_line("all orphans ended")
    arbiter = arbiter_of(stack)
    assert pid_inside(arbiter) == 1
    wait_until(lambda: len(arbiter.children()) == 1, "the end of all zombies", detail=lambda: arbiter.children())
    assert [each.status() for each in arbiter.children()] != [psutil.STATUS_ZOMBIE]
    os.kill(arbiter.pid, signal.SIGTERM)
    assert stack.program.wait_exit() == 0
    here.assert_nothing_left()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
@pytest.mark.parametrize("program", ["circus-stack", "circusd"])
def test_a_signal_that_ends_it_stops_all_in_order(here: Room, program: str, signum: int) -> None:
    text = f"[watcher:s]\ncmd = {script(here.directory, 'straying', STRAYING)}\ngraceful_timeout = 1\n"
    words = ["circus-stack", "serve"]
    if program == "circusd":
        text, words = CIRCUS_SECTION.format(base=here.base) + text, ["circusd"]
    ini = write_watchers(here.directory, text)
    stack = start(here, *words, str(ini))
    stack.wait_line("straying")
    wait_until(lambda: here.stacks(), "the control endpoint", detail=stack.output)
    os.kill(arbiter_of(stack).pid, signum)
    assert stack.program.wait_exit() == 0, stack.output()
    assert "ended by SIGTERM" in stack.output()
    here.assert_nothing_left()


def test_hup_replaces_the_workers(here: Room) -> None:
    stack = start(here, "circus-stack", "serve", str(write_ini(here.directory)))
    stack.wait_line(READY)
    with client(here) as asking:
        before = set(asking.call("list", name="web")["pids"])
        os.kill(arbiter_of(stack).pid, signal.SIGHUP)

        def replaced() -> bool:
            now = set(asking.call("list", name="web")["pids"])
            return len(now) == len(before) and not now & before

        wait_until(replaced, "other workers", detail=stack.output, pause_s=0.05)
    os.kill(arbiter_of(stack).pid, signal.SIGTERM)
    assert stack.program.wait_exit() == 0
    here.assert_nothing_left()


@pytest.mark.parametrize("program", ["circus-stack", "circusd"])
def test_a_wrong_configuration_ends_with_2(here: Room, program: str) -> None:
    ini = write_watchers(here.directory, "[watcher:w]\ncmd = sleep 1\nnumprocesses = many\n")
    words = ["circus-stack", "serve"] if program == "circus-stack" else ["circusd"]
    stack = start(here, *words, str(ini))
    assert stack.program.wait_exit() == 2, stack.output()


def test_a_start_that_the_machine_refuses_ends_with_1(here: Room) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as holder:
        port = holder.getsockname()[1]
        server = f"use = egg:circus-stack\nlisten = 127.0.0.1:{port}\nbackend = wsgiref\n"
        stack = start(here, "circus-stack", "serve", str(write_ini(here.directory, server=server)))
        assert stack.program.wait_exit() == 1, stack.output()
    assert "cannot listen" in stack.output()


def test_a_watcher_that_is_given_up_ends_it_with_3(here: Room) -> None:
    text = "[circus]\nexit_on_failed = true\n\n[watcher:w]\ncmd = false\nmax_failures = 1\n"
    stack = start(here, "circus-stack", "serve", str(write_watchers(here.directory, text)))
    assert stack.program.wait_exit() == 3, stack.output()
    here.assert_nothing_left()
