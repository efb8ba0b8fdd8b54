"""[watcher:NAME], [socket:NAME], [service:NAME], [env]: what they come to, in both kinds of file."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.config.values import ReadinessForm, ReloadMode, StreamConfig
from tests.unit.config.stacks import APP, circus, mistakes, paste, watcher


def test_every_option_of_a_watcher_is_read(tmp_path: Path) -> None:
    stack = circus(
        tmp_path,
        """
        [watcher:W]
        cmd = run
        args = -x
        numprocesses = 3
        working_directory = /tmp
        use_sockets = on
        copy_env = yes
        user = www-data
        group = adm
        priority = -2
        autostart = no
        respawn = 0
        graceful_timeout = 1.5
        stop_signal = HUP
        stop_children = true
        readiness = tcp:127.0.0.1:99
        reload_mode = hup
        max_failures = 3
        stdout_stream.class = StdoutStream
        stderr_stream.filename = /tmp/err
        stderr_stream.max_bytes = 100
        """,
    )
    found = watcher(stack, "W")
    assert (found.cmd, found.args, found.numprocesses, found.working_dir) == ("run", "-x", 3, "/tmp")
    assert (found.use_sockets, found.copy_env, found.autostart, found.respawn) == (True, True, False, False)
    assert (found.uid, found.gid, found.priority, found.graceful_timeout) == ("www-data", "adm", -2, 1.5)
    assert (found.stop_signal, found.stop_children, found.max_failures) == (1, True, 3)
    assert (found.ready.form, found.reload_mode) == (ReadinessForm.TCP, ReloadMode.HUP)
    assert found.stdout_stream == StreamConfig("StdoutStream")
    assert found.stderr_stream == StreamConfig("FileStream", {"filename": "/tmp/err", "max_bytes": "100"})
    assert not stack.warnings


def test_the_defaults_of_a_circus_file_are_those_of_circus(tmp_path: Path) -> None:
    stack = circus(tmp_path, "[watcher:w]\ncmd = run\n")
    found = watcher(stack, "w")
    assert (found.copy_env, found.max_failures, found.graceful_timeout, found.stop_signal) == (False, 0, 30.0, 15)
    assert (stack.circus.endpoint, stack.circus.pubsub_endpoint) == ("tcp://127.0.0.1:5555", "tcp://127.0.0.1:5556")


def test_watchers_of_a_paste_file_inherit_the_environment_and_give_up(tmp_path: Path) -> None:
    stack = paste(tmp_path, f"{APP}\n[watcher:w]\ncmd = run\n")
    for each in stack.watchers:
        assert (each.copy_env, each.max_failures, each.failure_window) == (True, 10, 60.0)
    assert stack.circus.endpoint == ""


def test_unknown_options_are_kept_in_a_circus_file(tmp_path: Path) -> None:
    stack = circus(tmp_path, "[watcher:w]\ncmd = run\nflapping.window = 3\nanything = goes\ngracefultimeout = 3\n")
    assert watcher(stack, "w").extra == {"flapping.window": "3", "anything": "goes", "gracefultimeout": "3"}
    assert [each.nearest for each in stack.warnings] == ["graceful_timeout"]


@pytest.mark.parametrize(
    ("section", "key", "nearest"),
    [
        ("watcher:w]\ncmd = x", "numproceses", "numprocesses"),
        ("circus", "endpont", "endpoint"),
        ("socket:s]\nport = 1", "bcklog", "backlog"),
        ("service:redis", "maxmem", "maxmemory"),
        ("service:redis", "gracefull_timeout", "graceful_timeout"),
    ],
)
def test_unknown_options_are_mistakes_in_a_paste_file(tmp_path: Path, section: str, key: str, nearest: str) -> None:
    head = f"[{section}" if "]" in section else f"[{section}]"
    found = mistakes(paste, tmp_path, f"{APP}\n{head}\n{key} = 1\n")
    assert [(each.option, each.nearest) for each in found] == [(key, nearest)]


def test_layers_of_the_environment(tmp_path: Path) -> None:
    text = """
        [env:w*]
        COLOUR = pattern
        OTHER = $HOME/x
        [env]
        COLOUR = all
        SIZE = $(circus.env.HOME) $(circus.env.COLOUR) $(circus.env.LATER)
        LATER = 1
        [env:x,Y]
        COLOUR = y
        [watcher:w1]
        cmd = run $(circus.env.colour) $(circus.env.HOME) $(circus.env.nope)
        [watcher:y]
        cmd = run $(circus.env.COLOUR)
        env = COLOUR=own,EXTRA=$(circus.env.HOME)
        """
    stack = circus(tmp_path, text, HOME="/h")
    one, two = watcher(stack, "w1"), watcher(stack, "y")
    assert one.env == {"COLOUR": "pattern", "OTHER": "/h/x", "SIZE": "/h all $(circus.env.LATER)", "LATER": "1"}
    assert one.cmd == "run pattern /h $(circus.env.nope)"
    assert (two.cmd, two.env["COLOUR"], two.env["EXTRA"]) == ("run y", "own", "/h")


def test_a_pattern_may_hold_blanks_as_a_name_may(tmp_path: Path) -> None:
    stack = circus(tmp_path, "[watcher:Mixed Case]\ncmd = cat\n[env: other , mixed C*]\nA = 1\n")
    assert watcher(stack, "Mixed Case").env == {"A": "1"}
    assert [each.message for each in stack.warnings] == ["'other' matches no watcher"]


def test_a_pattern_that_matches_nobody_is_warned_of(tmp_path: Path) -> None:
    stack = paste(tmp_path, f"{APP}\n[env:wbe]\nA = 1\n[env:web,red*]\nB = 1\n[service:redis]\n")
    assert [(each.section, each.nearest) for each in stack.warnings] == [("env:wbe", "web")]


def test_a_service_takes_its_own_options_and_those_of_a_watcher(tmp_path: Path) -> None:
    stack = paste(
        tmp_path,
        f"""{APP}
[service:cache]
kind = redis
maxmemory = 64mb
priority = 5
stdout_stream.class = StdoutStream
optional = yes
port = $(circus.env.CACHE_PORT)
[env:cache]
A = 1
""",
        environ={"CACHE_PORT": "7001"},
    )
    service = stack.services[0]
    assert (service.name, service.kind, service.optional) == ("cache", "redis", True)
    assert service.watcher == {"priority": 5, "stdout_stream": StreamConfig("StdoutStream"), "env": {"A": "1"}}
    assert getattr(service.options, "port", None) == 7001
    assert watcher(stack, "web").depends_on == ("cache",)


def test_a_circus_file_has_no_services(tmp_path: Path) -> None:
    stack = circus(tmp_path, "[watcher:w]\ncmd = x\n[service:redis]\nport = 1\n")
    assert not stack.services
    assert [each.section for each in stack.warnings] == ["service:redis"]


@pytest.mark.parametrize(
    "title", ["watchers:x", "wacther:x", "sockets:y", "services:redis", "watcher", "servers:x", "filtre:x"]
)
def test_a_section_that_nearly_is_ours_is_warned_of(tmp_path: Path, title: str) -> None:
    stack = paste(tmp_path, f"{APP}\n[{title}]\na = 1\n")
    assert [each.section for each in stack.warnings] == [title]


@pytest.mark.parametrize(
    "title", ["secrets", "live_config", "uwsgi", "alembic", "pshell", "includes", "logger_x", "tool:x"]
)
def test_other_sections_are_nobodys_business(tmp_path: Path, title: str) -> None:
    assert not paste(tmp_path, f"{APP}\n[{title}]\na = 1\n").warnings


def test_defaults_do_not_leak_into_our_sections(tmp_path: Path) -> None:
    stack = paste(tmp_path, f"[DEFAULT]\nnumprocesses = 9\nroot = /srv\n{APP}\n[watcher:w]\ncmd = %(root)s/run 100%%\n")
    assert (watcher(stack, "w").cmd, watcher(stack, "w").numprocesses) == ("/srv/run 100%", 1)


def test_the_watcher_of_the_server_section_can_be_adjusted(tmp_path: Path) -> None:
    stack = paste(
        tmp_path,
        f"""{APP}
[server:main]
use = egg:circus-stack
workers = 2
graceful_timeout = 9
[watcher:web]
numprocesses = 5
graceful_timeout = 60
depends_on =
env = A=1
max_failures = 0
[service:redis]
""",
    )
    web = watcher(stack, "web")
    assert (web.numprocesses, web.graceful_timeout, web.depends_on, web.max_failures) == (5, 60.0, (), 0)
    assert web.env == {"A": "1"}
    assert "--graceful-timeout 59 " in web.cmd
    assert stack.web is not None and stack.web.workers == 5


def test_an_empty_value_unsets_what_may_be_unset(tmp_path: Path) -> None:
    assert watcher(circus(tmp_path, "[watcher:w]\ncmd = x\nuid =\n"), "w").uid is None


def test_a_path_makes_a_unix_socket(tmp_path: Path) -> None:
    text = "[watcher:w]\ncmd = x\n[socket:A]\npath = /run/a\n[socket:b]\nhost = [::1]\nport = 0\n[socket:c]\nhost = *\n"
    stack = circus(tmp_path, text)
    assert [(each.name, each.family, each.host, each.path) for each in stack.sockets] == [
        ("a", "AF_UNIX", "localhost", "/run/a"),
        ("b", "AF_INET6", "::1", None),
        ("c", "AF_INET", "0.0.0.0", None),
    ]
