"""Listening sockets come back out of the processes that hold them: nothing is bound twice, nobody is turned away."""

from __future__ import annotations

import os
import pwd
import signal
import socket
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.adoption.crash import Stacks, is_alive, kill, wait_gone, wait_processes
from tests.integration.serve.projects import write_ini
from tests.support.load import pausing_clients, wrk
from tests.support.ports import free_port
from tests.support.waiting import wait_until

SYSTEM_PYTHON = "/usr/bin/python3"
# Answers each connection with its pid, one after the other.
SERVER = """
import os, signal, socket, sys
server = socket.socket(fileno=int(sys.argv[1]))
server.setblocking(True)
print("started", os.getpid(), flush=True)
while True:
    client = server.accept()[0]
    client.sendall(str(os.getpid()).encode())
    client.close()
"""


def server(here, *more):
    script = here.base / "server.py"
    script.write_text(SERVER)
    # A user who has no way into a private interpreter must be able to run it.
    script.chmod(0o644)
    here.base.chmod(0o755)
    return ("[watcher:w]", f"cmd = {SYSTEM_PYTHON} -IS {script} $(circus.sockets.web)", "use_sockets = True", *more)


def ask(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with closing(socket.socket(family)) as client:
        client.settimeout(20)
        client.connect(address)
        return int(client.recv(100))


def inode(address):
    """The inode of the socket that listens at a port of the loopback interface."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[9] for row in rows if row[1].endswith(f":{address[1]:04X}") and row[3] == "0A"]


def test_a_worker_serves_all_the_while_and_the_socket_is_the_same(here):
    stack = here.serve(str(write_ini(here.directory)), "--backend", "gevent")
    before, address = stack.wait_pids(2), stack.address()
    bound = inode(address)
    with wrk(address[1], keep_alive=True) as load, pausing_clients(address) as idle:
        for _ in range(2):
            kill(stack)
            stack = here.serve(str(write_ini(here.directory)), "--backend", "gevent")
            assert stack.wait_pids(2) == before
    assert load.errors == []
    assert idle.errors == []
    assert load.requests > 100
    assert stack.address() == address
    assert inode(address) == bound
    # What is done with workers of one's own is done with these.
    with wrk(address[1], keep_alive=True) as load:
        stack.send(signal.SIGHUP)
        stack.wait_pids(2, other_than=before)
        wait_gone(*before)
    assert load.errors == []
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_socket_that_nobody_holds_any_more_is_bound_again(here):
    port = free_port()
    stacks = Stacks(here, *server(here), "[socket:web]", "host = 127.0.0.1", f"port = {port}")
    stack = stacks.start()
    [before] = wait_processes(stack, "w", 1)
    kill(stack)
    os.kill(before, signal.SIGKILL)
    wait_gone(before)

    stack = stacks.start()

    assert [ask(("127.0.0.1", port))] == wait_processes(stack, "w", 1)
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_unix_socket_keeps_its_file_and_goes_with_the_stack(here):
    path = here.base / "web.sock"
    stacks = Stacks(here, *server(here), "[socket:web]", f"path = {path}")
    stack = stacks.start()
    before = wait_processes(stack, "w", 1)
    kill(stack)
    assert ask(str(path)) == before[0]
    stack = stacks.start()
    assert ask(str(path)) == before[0]
    assert stack.stop() == 0
    assert not path.exists()
    here.assert_nothing_left()


def test_each_keeps_its_own_so_reuseport_socket(here):
    stacks = Stacks(
        here, *server(here, "numprocesses = 3"),
        "[socket:web]", "host = 127.0.0.1", f"port = {free_port()}", "so_reuseport = True",
    )  # fmt: skip
    stack = stacks.start()
    before = wait_processes(stack, "w", 3)
    address = stack.address()
    bound = set(inode(address))
    kill(stack)
    stack = stacks.start()
    assert wait_processes(stack, "w", 3) == before
    assert set(inode(address)) == bound
    wait_until(lambda: {ask(address) for _ in range(60)} == set(before), "an answer of each")
    # A successor serves at the socket of whom it follows.
    os.kill(before[0], signal.SIGKILL)
    wait_gone(before[0])
    after = wait_processes(stack, "w", 3)
    wait_until(lambda: {ask(address) for _ in range(60)} == set(after), "an answer of each")
    assert set(inode(address)) == bound
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_a_worker_of_another_user_is_taken_over(here):
    nobody = pwd.getpwnam("nobody")
    log = here.directory / "w.log"
    stacks = Stacks(
        here, *server(here, f"uid = {nobody.pw_name}", f"stdout_stream.filename = {log}"),
        "[socket:web]", "host = 127.0.0.1", f"port = {free_port()}",
    )  # fmt: skip
    stack = stacks.start()
    [before] = wait_processes(stack, "w", 1)
    assert Path(f"/proc/{before}").stat().st_uid == nobody.pw_uid
    kill(stack)
    stack = stacks.start()
    assert wait_processes(stack, "w", 1) == [before]
    assert ask(stack.address()) == before
    assert stack.stop() == 0
    assert not is_alive(before)
    assert log.read_text() == f"started {before}\n"
    here.assert_nothing_left()


@pytest.mark.parametrize("change", ["port", "another socket"])
def test_what_the_file_changed_of_sockets_is_applied(here, change):
    old, new = free_port(), free_port()
    stacks = Stacks(here, *server(here), "[socket:web]", "host = 127.0.0.1", f"port = {old}")
    stack = stacks.start()
    before = wait_processes(stack, "w", 1)
    kill(stack)
    if change == "port":
        sections = ("[socket:web]", "host = 127.0.0.1", f"port = {new}")
    else:
        sections = (
            "[socket:web]", "host = 127.0.0.1", f"port = {old}", "[socket:more]", "host = 127.0.0.1", f"port = {new}",
        )  # fmt: skip
    stacks.write(*server(here), *sections)
    stack = stacks.start()
    wait_until(lambda: {each["port"] for each in stack.call("listsockets")["sockets"]} >= {new}, "the socket")
    if change == "port":
        wait_gone(*before)
    else:
        assert ask(("127.0.0.1", old)) in stack.pids("w")
    assert stack.stop() == 0
    here.assert_nothing_left()
