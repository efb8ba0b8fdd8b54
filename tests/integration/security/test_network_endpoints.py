"""Off the loopback interface nobody commands without a key: a stack without keys is not even started there."""

from __future__ import annotations

import socket
from pathlib import Path

import psutil
import pytest

from circus_stack.client.credentials import read_credentials
from circus_stack.client.sync import Client
from circus_stack.errors import CallError
from tests.integration.security.guarded import Keys
from tests.support.ports import free_port
from tests.support.stack import Room
from tests.support.waiting import PATIENCE_S


def write(here: Room, *lines: str) -> Path:
    ini = here.directory / "net.ini"
    ini.write_text("\n".join(["[circus]", *lines, "[watcher:web]", "cmd = sleep 600", ""]))
    return ini


@pytest.mark.parametrize("option", ["endpoint", "pubsub_endpoint", "logs_endpoint", "stats_endpoint"])
@pytest.mark.parametrize("host", ["0.0.0.0", "*", "[::]", "192.0.2.7", "example.org"])
def test_without_keys_the_line_is_refused_with_what_makes_keys(here: Room, option: str, host: str) -> None:
    ini = write(here, f"{option} = tcp://{host}:{free_port()}")
    for words in (["circusd"], ["circus-stack", "check"]):
        if words[0] == "circus-stack" and host != "*":
            # It reads what circusd reads: one form is enough.
            continue
        done = here.run(*words, str(ini))
        assert done.returncode == 2
        told = done.stdout + done.stderr
        assert f"{ini}:2: [circus] {option}: " in told
        assert "circus-stack keygen server" in told


def test_keys_that_are_not_there_are_refused(here: Room) -> None:
    ini = write(here, f"keys_dir = {here.base}/none", f"endpoint = tcp://0.0.0.0:{free_port()}")
    for words in (["circusd"], ["circus-stack", "check"]):
        done = here.run(*words, str(ini))
        assert done.returncode == 2
        assert f"{ini}:2: [circus] keys_dir: holds no server.key" in done.stdout + done.stderr


@pytest.mark.parametrize(("name", "mode"), [("server.key", 0o640), ("authorized_keys", 0o666), (".", 0o777)])
def test_keys_that_others_could_read_or_replace_are_refused(here: Room, name: str, mode: int) -> None:
    keys = Keys(here, here.directory / "keys")
    keys.make_server()
    (keys.directory / name).chmod(mode)
    done = here.run("circusd", str(write(here, f"keys_dir = {keys.directory}")))
    assert done.returncode == 2
    assert f": chmod go-rwx {keys.directory / name}" in done.stderr


def own_address() -> str:
    """An address of this machine that is not loopback, if it has one."""
    found = [each.address for all_ in psutil.net_if_addrs().values() for each in all_ if each.family == socket.AF_INET]
    return next((each for each in found if not each.startswith("127.")), "127.0.0.2")


def test_with_keys_all_interfaces_are_served(here: Room) -> None:
    keys = Keys(here, here.directory / "keys")
    keys.make_server()
    key = keys.make_client("ann", "admin")
    port, events = free_port(), free_port()
    lines = [f"keys_dir = {keys.directory}", f"endpoint = tcp://0.0.0.0:{port}"]
    stack = here.circusd(str(write(here, *lines, f"pubsub_endpoint = tcp://*:{events}")))
    endpoint = f"tcp://{own_address()}:{port}"
    with Client(endpoint, timeout_s=PATIENCE_S, credentials=read_credentials(key)) as client:
        assert client.call("incr", name="web", waiting=True)["numprocesses"] == 2
    with Client(endpoint, timeout_s=PATIENCE_S) as client, pytest.raises(CallError, match="--key FILE"):
        client.call("decr", name="web")
    assert stack.call("numprocesses", name="web")["numprocesses"] == 2
