"""Whether a stack has its console, and where it is not offered."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from circus_stack.config.schema import CircusConfig, SocketConfig, SourceKind, StackConfig, WatcherConfig
from circus_stack.config.values import Location
from circus_stack.daemon import console
from circus_stack.daemon.console import check_console, check_console_options, with_console
from circus_stack.protocol.roles import Role
from circus_stack.web.access.users import Users
from circus_stack.web.settings import DIRECTORY

_PLACE = {"httpd": Location("app.ini", 3), "httpd_host": Location("app.ini", 4), "httpd_port": Location("app.ini", 5)}


def stack_of(
    *, httpd: bool = True, sockets: tuple[SocketConfig, ...] = (), watcher: str = "job", **more: object
) -> StackConfig:
    circus = CircusConfig(httpd=httpd, endpoint="ipc:///run/control", **more)  # type: ignore[arg-type]
    watchers = (WatcherConfig(name=watcher, cmd="sleep 1"),)
    return StackConfig(source="app.ini", kind=SourceKind.PASTE, circus=circus, sockets=sockets, watchers=watchers)


def completed(stack: StackConfig, state_dir: Path) -> StackConfig:
    return with_console(stack, stack.circus, state_dir)


def names(stack: StackConfig) -> tuple[list[str], list[str]]:
    return [each.name for each in stack.watchers], [each.name for each in stack.sockets]


def test_it_comes_last_behind_the_files_own(tmp_path: Path) -> None:
    web = SocketConfig(name="web", port=8080)
    made = completed(stack_of(sockets=(web,)), tmp_path)
    assert names(made) == (["job", "circushttpd"], ["web", "circushttpd"])
    assert str(tmp_path / DIRECTORY) in made.watchers[-1].cmd
    assert check_console(made, tmp_path) == []


def test_there_is_none_unless_wanted(tmp_path: Path) -> None:
    stack = stack_of(httpd=False)
    assert completed(stack, tmp_path) == stack
    assert check_console(stack, tmp_path) == []


@pytest.mark.parametrize("is_named", [True, False])
def test_without_its_libraries_there_is_none_and_who_asked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_named: bool
) -> None:
    monkeypatch.setattr(console, "missing_libraries", lambda: ["bottle"])
    made = completed(stack_of(where=_PLACE if is_named else {}), tmp_path)
    assert names(made) == (["job"], [])
    told = [str(each) for each in made.warnings]
    text = "app.ini:3: [circus] httpd: the console does not run without bottle: pip install 'circus-stack[web]'"
    assert told == ([text] if is_named else [])


def test_a_watcher_of_that_name_is_the_files(tmp_path: Path) -> None:
    made = completed(stack_of(watcher="CircusHttpd", where=_PLACE), tmp_path)
    assert names(made) == (["CircusHttpd"], [])
    assert "named circushttpd" in str(made.warnings[0])
    assert check_console(made, tmp_path) == []


def test_a_socket_of_that_name_is_the_files_and_judged_as_any(tmp_path: Path) -> None:
    own = SocketConfig(name="circushttpd", host="0.0.0.0", port=80)
    made = completed(stack_of(sockets=(own,)), tmp_path)
    assert made.sockets == (own,)
    assert check_console(made, tmp_path) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.7", "::", "console.example.com"])
def test_the_network_is_offered_nothing_before_there_is_a_password(tmp_path: Path, host: str) -> None:
    made = completed(stack_of(httpd_host=host, where=_PLACE), tmp_path)
    [problem] = check_console(made, tmp_path)
    assert str(problem).startswith("app.ini:4: [circus] httpd_host: would offer the console to the network")
    assert f"circus-stack passwd --state-dir {tmp_path / DIRECTORY}" in str(problem)
    Users(tmp_path / DIRECTORY).set_password("admin", "a password of ten", Role.ADMIN)
    assert check_console(made, tmp_path) == []


def test_a_file_of_users_that_others_may_write_is_not_believed(tmp_path: Path) -> None:
    Users(tmp_path / DIRECTORY).set_password("admin", "a password of ten", Role.ADMIN)
    (tmp_path / DIRECTORY / "users.json").chmod(0o666)
    [problem] = check_console(completed(stack_of(httpd_host="0.0.0.0"), tmp_path), tmp_path)
    assert "can be written by others" in str(problem)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.9", "::1"])
def test_this_machine_needs_no_password(tmp_path: Path, host: str) -> None:
    assert check_console(completed(stack_of(httpd_host=host), tmp_path), tmp_path) == []


def test_a_named_port_of_another_socket_is_refused(tmp_path: Path) -> None:
    web = SocketConfig(name="web", port=9000)
    datagrams = SocketConfig(name="log", port=9000, type="SOCK_DGRAM")
    taken = completed(stack_of(sockets=(web,), httpd_port=9000, where=_PLACE), tmp_path)
    assert [str(each) for each in check_console(taken, tmp_path)] == [
        "app.ini:5: [circus] httpd_port: port 9000 is taken by [socket:web]"
    ]
    # As `check` sees it, before the console is there.
    unfinished = stack_of(sockets=(web,), httpd_port=9000)
    assert len(check_console_options(unfinished)) == 1
    assert check_console_options(dataclasses.replace(unfinished, circus=CircusConfig(httpd_port=9000))) == []
    beside = completed(stack_of(sockets=(datagrams,), httpd_port=9000, where=_PLACE), tmp_path)
    assert check_console(beside, tmp_path) == []
