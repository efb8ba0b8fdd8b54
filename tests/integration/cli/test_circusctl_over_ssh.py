"""`circusctl --ssh` through a real sshd: the arbiter is reached, what fails is said, and no tunnel is left behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.integration.cli.ssh_server import SshServer, ssh_server
from tests.support.ports import free_port
from tests.support.processes import BIN, Program
from tests.support.stack import Room, RunningStack, room
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """One for all: a start costs more than these tests."""
    with room(tmp_path_factory.mktemp("here")) as made:
        yield made


@pytest.fixture(scope="module")
def server(here: Room) -> Iterator[SshServer]:
    with ssh_server(here.directory) as made:
        yield made


@pytest.fixture(scope="module")
def stack(here: Room) -> RunningStack:
    ini = here.directory / "far.ini"
    ini.write_text(
        f"[circus]\nendpoint = tcp://127.0.0.1:{free_port()}\npubsub_endpoint = tcp://127.0.0.1:{free_port()}\n"
        "[watcher:far]\ncmd = sleep 600\n"
    )
    return here.circusd(str(ini))


def words(server: SshServer, stack: RunningStack, *more: str) -> list[str]:
    return [
        *("circusctl", "--ssh", server.server, "--ssh_keyfile", str(server.keyfile)),
        *("--endpoint", stack.found().record.endpoint, "--timeout", "20", *more),
    ]


def tunnels(here: Room) -> list[str]:
    """What a tunnel leaves if nobody ends it: the directory of its socket."""
    return [each.name for each in Path(here.environ["TMPDIR"]).glob("circus-ssh-*")]


def ssh_processes(server: SshServer) -> list[psutil.Process]:
    """The ssh programs of this test: no other knows the port."""
    port = server.server.rpartition(":")[2]
    found = (each for each in psutil.process_iter(["name", "cmdline"]) if each.info["name"] == "ssh")
    return [each for each in found if port in (each.info["cmdline"] or [])]


def test_commands_go_through_the_tunnel_which_ends_with_them(
    here: Room, server: SshServer, stack: RunningStack
) -> None:
    for more, printed in [(["list"], "far\n"), (["stop", "far", "--wait"], "ok\n"), (["status", "far"], "stopped\n")]:
        done = here.run(*words(server, stack, *more), env=server.environ, timeout_s=60)
        assert (done.returncode, done.stdout) == (0, printed), done.stderr
    refused = here.run(*words(server, stack, "start", "near"), env=server.environ, timeout_s=60)
    assert refused.returncode == 3
    assert refused.stderr == "error: program near not found\n"
    assert tunnels(here) == []
    assert ssh_processes(server) == []


def test_what_fails_is_said_in_the_words_of_ssh(here: Room, server: SshServer, stack: RunningStack) -> None:
    wrong_key = [*words(server, stack, "list"), "--ssh-keyfile", str(server.other_keyfile)]
    done = here.run(*wrong_key, env=server.environ, timeout_s=60)
    assert done.returncode == 1
    assert done.stderr.startswith(f"circusctl: ssh to {server.server} failed: ")
    assert "Permission denied" in done.stderr

    nobody_there = [*words(server, stack, "list"), "--endpoint", f"tcp://127.0.0.1:{free_port()}"]
    done = here.run(*nobody_there, env=server.environ, timeout_s=60)
    assert done.returncode == 1
    assert "nobody answers at tcp://127.0.0.1:" in done.stderr

    no_port = here.run("circusctl", "--ssh", f"127.0.0.1:{free_port()}", "list", env=server.environ, timeout_s=60)
    assert no_port.returncode == 1
    assert "Connection refused" in no_port.stderr
    assert tunnels(here) == []


def test_the_tunnel_does_not_outlive_a_program_that_is_killed(
    here: Room, server: SshServer, stack: RunningStack
) -> None:
    # Killed, not told: `circusctl listen | head` ends by SIGPIPE, and a Python that is killed cleans nothing up.
    argv = words(server, stack, "--endpoint", stack.found().record.pubsub_endpoint, "listen", "watcher.far.")
    listener = Program(
        [str(BIN / argv[0]), *argv[1:]], here.directory / "listen.log", base_env=here.environ, env=server.environ
    )
    try:
        # The subscription takes its time, and nobody tells: so the watcher is restarted until it is heard of.
        def heard() -> bool:
            stack.call("restart", name="far", waiting=True)
            return "watcher.far.spawn: {" in listener.output()

        wait_until(heard, "an event through the tunnel", detail=listener.output, pause_s=0.2)
        listener.signal(signal.SIGKILL)
        listener.wait_exit()
        wait_until(lambda: not ssh_processes(server), "the end of ssh")
    finally:
        listener.kill_group()
