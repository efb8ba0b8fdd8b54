"""The words of the ssh command, and what is refused before ssh is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.cli.ctl_reach import Reach
from circus_stack.client.tunnel import ssh_command
from circus_stack.errors import CallError

LOCAL = Path("/tmp/t/s")


def words(server: str, endpoint: str, keyfile: str | None = None) -> list[str]:
    return ssh_command(server, endpoint, LOCAL, keyfile, 5.0)


@pytest.mark.parametrize(
    ("endpoint", "forward"),
    [
        ("tcp://127.0.0.1:5555", "/tmp/t/s:127.0.0.1:5555"),
        ("tcp://10.0.0.7:5555", "/tmp/t/s:10.0.0.7:5555"),
        ("tcp://*:5555", "/tmp/t/s:127.0.0.1:5555"),
        ("tcp://0.0.0.0:5555", "/tmp/t/s:127.0.0.1:5555"),
        ("tcp://[::1]:5555", "/tmp/t/s:[::1]:5555"),
        ("ipc:///run/user/1000/control", "/tmp/t/s:/run/user/1000/control"),
    ],
)
def test_what_is_forwarded(endpoint: str, forward: str) -> None:
    made = words("me@host", endpoint)
    assert made[made.index("-L") + 1] == forward
    assert made[-2:] == ["--", "me@host"]


def test_port_and_key_are_handed_on() -> None:
    made = words("me@host:2222", "tcp://h:1", "/k")
    assert made[made.index("-p") + 1] == "2222"
    assert made[made.index("-i") + 1] == "/k"
    assert words("[fe80::1]:22", "tcp://h:1")[-1] == "fe80::1"
    assert "-p" not in words("host", "tcp://h:1")


@pytest.mark.parametrize("server", ["", "-oProxyCommand=x", "me@-oX", "me@", "a b", "host:port", "me@host:22:22"])
def test_what_can_be_no_server_is_refused(server: str) -> None:
    with pytest.raises(CallError, match=r"is no ssh server: write it as \[USER@\]HOST\[:PORT\]"):
        words(server, "tcp://h:1")


@pytest.mark.parametrize("endpoint", ["tcp://h", "ipc://relative", "udp://h:1", "h:1"])
def test_what_can_be_no_far_end_is_refused(endpoint: str) -> None:
    with pytest.raises(CallError, match="no way through ssh to"):
        words("host", endpoint)


def test_a_stack_is_looked_for_on_this_machine_only() -> None:
    with pytest.raises(CallError, match="with --ssh name the --endpoint"):
        Reach(environ={}, ssh="host", stack="x").target()
