"""The command line and the settings are two forms of one thing."""

from __future__ import annotations

import pytest

from chaussette.arguments import build_parser, command_line, settings_from
from chaussette.settings import Settings, declared


def parse(*argv: str) -> Settings:
    return settings_from(build_parser().parse_args(list(argv)))


def test_nothing_said_is_the_defaults():
    assert parse() == Settings()


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(fd=(3, 4), backend="gevent", spawn=100, monkey=False, multiprocess=False),
        Settings(host="unix:/a b", port=0, backlog=5, threads=2, graceful_timeout=0.5, server_header=""),
        Settings(paste_var=(("a", "b=c"), ("d", "")), app_name="x", pre_hook="a.b", python_path="/a:/b"),
        Settings(multiprocess=True, log_level="debug", log_output="/tmp/x"),
    ],
)
def test_a_command_line_gives_the_settings_back(settings):
    assert parse(*command_line(settings)) == settings


def test_arguments_are_kept_for_the_hooks():
    namespace = build_parser().parse_args(["--port", "1", "mod:app", "one", "two"])
    assert (namespace.application, namespace.arguments) == ("mod:app", ["one", "two"])


def test_host_port_and_backlog_go_together():
    assert parse("--host", "::1", "--port", "1", "--backlog", "9") == Settings(host="::1", port=1, backlog=9)


def test_connections_is_another_name_of_spawn():
    assert parse("--connections", "7").spawn == 7


def test_every_option_is_in_the_help():
    text = build_parser().format_help()
    assert [name for name, _, _ in declared() if f"--{name.replace('_', '-')}" not in text] == []
