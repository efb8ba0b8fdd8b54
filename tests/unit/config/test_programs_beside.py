"""Whether circusd-stats and the console run beside a stack: the file decides, then the environment, then the kind of
source."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.config.load import load_app, load_circus
from circus_stack.config.schema import SourceKind
from tests.unit.config.stacks import circus, mistakes, paste, write

_WATCHER = "[watcher:job]\ncmd = sleep 1\n"


@pytest.mark.parametrize(
    ("section", "environ", "expected"),
    [
        ("", {}, True),
        ("[circus]\nstatsd = false\n", {}, False),
        ("", {"CIRCUS_STACK_STATSD": "off"}, False),
        ("", {"CIRCUS_STACK_STATSD": " "}, True),
        ("[circus]\nstatsd = true\n", {"CIRCUS_STACK_STATSD": "0"}, True),
        ("[circus]\nmetrics = 127.0.0.1:9125\n", {"CIRCUS_STACK_STATSD": "0"}, True),
    ],
)
def test_a_stack_of_serve(tmp_path: Path, section: str, environ: dict[str, str], expected: bool) -> None:
    assert paste(tmp_path, _WATCHER + section, environ=environ).circus.statsd is expected


@pytest.mark.parametrize(
    ("section", "environ", "expected"),
    [
        ("", {}, False),
        ("[circus]\nstatsd = 1\n", {}, True),
        ("[circus]\nstats_endpoint = tcp://127.0.0.1:5557\n", {}, True),
        ("", {"CIRCUS_STACK_STATSD": "1"}, True),
        ("[circus]\nstatsd = 0\n", {"CIRCUS_STACK_STATSD": "1"}, False),
    ],
)
def test_a_circus_file(tmp_path: Path, section: str, environ: dict[str, str], expected: bool) -> None:
    assert circus(tmp_path, _WATCHER + section, **environ).circus.statsd is expected


def test_an_application_without_a_file() -> None:
    found = load_app("wsgiref.simple_server:demo_app", environ={})
    assert found.kind is SourceKind.APP
    assert found.circus.statsd


def test_a_bad_value_of_the_environment_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, _WATCHER, "circus.ini")
    [problem] = mistakes(load_circus, path, environ={"CIRCUS_STACK_STATSD": "maybe"})
    assert "CIRCUS_STACK_STATSD" in str(problem)
    assert "'maybe'" in str(problem)


@pytest.mark.parametrize(
    ("section", "environ", "serve", "circusd"),
    [
        ("", {}, True, False),
        ("", {"CIRCUS_STACK_HTTPD": "off"}, False, False),
        ("", {"CIRCUS_STACK_HTTPD": "on"}, True, True),
        ("[circus]\nhttpd = false\n", {"CIRCUS_STACK_HTTPD": "1"}, False, False),
        ("[circus]\nhttpd = true\n", {"CIRCUS_STACK_HTTPD": "0"}, True, True),
        ("[circus]\nhttpd_port = 9000\n", {}, True, False),
    ],
)
def test_the_console(tmp_path: Path, section: str, environ: dict[str, str], serve: bool, circusd: bool) -> None:
    assert paste(tmp_path, _WATCHER + section, environ=environ).circus.httpd is serve
    assert circus(tmp_path, _WATCHER + section, **environ).circus.httpd is circusd
