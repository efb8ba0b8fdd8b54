"""What a start says of its console."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from circus_stack.arbiter.sockets import SocketView
from circus_stack.cli import console_line as module
from circus_stack.cli.console_address import console_address
from circus_stack.cli.console_line import console_line
from circus_stack.config.schema import CircusConfig, SourceKind, StackConfig, WatcherConfig
from circus_stack.protocol.roles import Role
from circus_stack.web.access.login_links import LoginLinks
from circus_stack.web.access.users import Users
from circus_stack.web.settings import DIRECTORY

VIEW = SocketView("circushttpd", 9, "127.0.0.1", 8081, None, 2048, "AF_INET")


def stack_of(*watchers: str, httpd: bool = True) -> StackConfig:
    made = tuple(WatcherConfig(name=name, cmd="prog") for name in watchers)
    return StackConfig(source="app.ini", kind=SourceKind.PASTE, circus=CircusConfig(httpd=httpd), watchers=made)


def test_where_it_is(tmp_path: Path) -> None:
    line = console_line(stack_of("circushttpd"), [VIEW], tmp_path, may_link=False)
    assert line == "http://127.0.0.1:8081/"
    assert list(tmp_path.iterdir()) == []


def test_a_link_lets_its_reader_in(tmp_path: Path) -> None:
    line = console_line(stack_of("circushttpd"), [VIEW], tmp_path, may_link=True)
    address, _, word = line.partition("/#/login?link=")
    assert address == "http://127.0.0.1:8081"
    assert LoginLinks(tmp_path / DIRECTORY, time.time).take(word) is Role.ADMIN


def test_who_has_a_password_needs_no_link(tmp_path: Path) -> None:
    Users(tmp_path / DIRECTORY).set_password("admin", "a password of ten", Role.ADMIN)
    assert console_line(stack_of("circushttpd"), [VIEW], tmp_path, may_link=True) == "http://127.0.0.1:8081/"


def test_a_directory_that_cannot_be_written_is_left_to_the_console(tmp_path: Path) -> None:
    (tmp_path / DIRECTORY).write_text("no directory")
    assert console_line(stack_of("circushttpd"), [VIEW], tmp_path, may_link=True) == "http://127.0.0.1:8081/"


def test_nothing_is_said_of_one_that_nobody_wants(tmp_path: Path) -> None:
    assert console_line(stack_of("job", httpd=False), [], tmp_path, may_link=True) == ""


@pytest.mark.parametrize(
    ("missing", "line"), [(["bottle"], "not installed: pip install 'circus-stack[web]'"), ([], "")]
)
def test_why_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: list[str], line: str) -> None:
    monkeypatch.setattr(module, "missing_libraries", lambda: missing)
    assert console_line(stack_of("job"), [], tmp_path, may_link=True) == line


@pytest.mark.parametrize(
    ("host", "cmd", "address"),
    [
        ("0.0.0.0", "python -m x", "http://127.0.0.1:80"),
        ("::", "python -m x", "http://[::1]:80"),
        ("::1", "python -m x --certfile '/a b.pem'", "https://[::1]:80"),
        ("127.0.0.1", "python -m x --prefix /ops/", "http://127.0.0.1:80/ops"),
    ],
)
def test_an_address_that_a_browser_here_can_open(host: str, cmd: str, address: str) -> None:
    assert console_address(host, 80, cmd) == address
