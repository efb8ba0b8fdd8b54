"""An arbiter that is root: it binds a port below 1024, its workers are somebody else."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
from pathlib import Path

import psutil
import pytest

from tests.integration.serve.projects import write_watchers
from tests.support.ports import listening_socket

# The interpreter of the system, since a private one may lie where nobody may go.
SYSTEM_PYTHON = "/usr/bin/python3"
WORKER = """\
import os
import socket
import sys
import time

listener = socket.socket(fileno=int(sys.argv[1]))
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
print(os.getuid(), os.getgid(), sorted(os.getgroups()), os.environ.get("HOME"), os.environ.get("USER"))
listener.setblocking(True)
while True:
    client, _ = listener.accept()
    client.sendall(str(os.getuid()).encode())
    client.close()
"""


def privileged_port() -> int:
    for port in range(1023, 600, -1):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise AssertionError("no port below 1024 is free")


@pytest.fixture
def worker(here) -> str:
    """A worker's script where everybody may read it."""
    here.base.chmod(0o755)
    path = here.base / "worker.py"
    path.write_text(WORKER)
    path.chmod(0o644)
    return f"{SYSTEM_PYTHON} {path}"


def test_workers_of_root_on_a_privileged_port_run_as_nobody(here, worker):
    assert os.geteuid() == 0, "a machine that is prepared for the tests runs them as root"
    nobody = pwd.getpwnam("nobody")
    port = privileged_port()
    text = f"""\
        [socket:low]
        host = 127.0.0.1
        port = {port}

        [watcher:w]
        cmd = {worker} $(circus.sockets.low)
        use_sockets = true
        working_dir = /
        user = nobody
        group = nogroup
        ready = notify
        numprocesses = 2
        """
    stack = here.serve(str(write_watchers(here.directory, text)))
    for pid in stack.pids("w"):
        process = psutil.Process(pid)
        assert set(process.uids()) == {nobody.pw_uid}
        assert set(process.gids()) == {nobody.pw_gid}
        assert process.environ()["USER"] == "nobody"
    assert f"{nobody.pw_uid} {nobody.pw_gid} [{nobody.pw_gid}] {nobody.pw_dir} nobody" in stack.output()

    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        assert int(client.recv(100)) == nobody.pw_uid

    # A reload and the stop reach processes of another user.
    before = stack.pids("w")
    stack.call("reload", name="w", waiting=True)
    stack.wait_pids(2, other_than=before, watcher="w")
    assert stack.stop() == 0
    here.assert_nothing_left()


def test_the_runtime_directory_is_its_owner_s_alone(here):
    stack = here.serve(str(write_watchers(here.directory, "[watcher:w]\ncmd = sleep 600\n")))
    [directory] = (here.runtime / "circus-stack").iterdir()
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_uid for each in directory.iterdir()} == {os.geteuid()}
    assert stack.stop() == 0


@pytest.mark.parametrize(("option", "value"), [("user", "no-such-user"), ("group", "no-such-group")])
def test_an_unknown_name_is_told(here, option, value):
    ini = write_watchers(here.directory, f"[watcher:w]\ncmd = sleep 600\n{option} = {value}\n")
    stack = here.start("circus-stack", "serve", str(ini))
    assert stack.program.wait_exit() == 2
    assert f"there is no {option} {value!r}" in stack.output()
    assert f"{ini.name}:3" in stack.output()
    here.assert_nothing_left()


def test_listening_sockets_of_others_are_not_inherited(here, worker):
    """A worker keeps what it serves on, and nothing else of the arbiter's."""
    with listening_socket():
        text = f"""\
            [socket:mine]
            host = 127.0.0.1
            port = 0

            [socket:other]
            host = 127.0.0.1
            port = 0

            [watcher:w]
            cmd = {worker} $(circus.sockets.mine)
            use_sockets = true
            ready = notify

            [watcher:plain]
            cmd = sleep 600
            """
        stack = here.serve(str(write_watchers(here.directory, text)))
        [server], [plain] = stack.pids("w"), stack.pids("plain")
        listening = [each for each in psutil.Process(server).net_connections() if each.status == psutil.CONN_LISTEN]
        assert [each.laddr.port for each in listening] == [stack.address("mine")[1]]
        assert {each.name for each in Path(f"/proc/{plain}/fd").iterdir()} == {"0", "1", "2"}
        assert stack.stop() == 0
