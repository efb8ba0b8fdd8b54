"""Mistakes in the section of a shipped plugin are told with their line; a user's own plugin is left alone."""

from __future__ import annotations

import pytest

from circus_stack.config.schema import PluginConfig
from circus_stack.config.values import Location
from circus_stack.daemon.plugin_checks import check_plugins

SHIPPED = {
    "command_reloader.CommandReloader": {},
    "flapping.Flapping": {"attempts": "3", "max_retry": "-1", "active": "yes"},
    "http_observer.HttpObserver": {"check_url": "http://127.0.0.1:8080/"},
    "redis_observer.RedisObserver": {"redis_url": "redis://localhost:6379/0"},
    "resource_watcher.ResourceWatcher": {"watcher": "web", "max_mem": "300M"},
    "statsd.FullStats": {"host": "localhost"},
    "statsd.StatsdEmitter": {"sample_rate": "0.5"},
    "watchdog.WatchDog": {"port": "1664"},
}


def plugin(use: str, **options: str) -> PluginConfig:
    where = {key: Location("circus.ini", line) for line, key in enumerate(options, start=12)}
    where.update({"": Location("circus.ini", 10), "use": Location("circus.ini", 11)})
    return PluginConfig(name="p", use=use, options=options, where=where)


@pytest.mark.parametrize("use", SHIPPED)
@pytest.mark.parametrize("prefix", ["circus.plugins.", "circus_stack.plugins."])
def test_what_is_right_passes(prefix: str, use: str) -> None:
    assert check_plugins([plugin(prefix + use, **SHIPPED[use])]) == []


@pytest.mark.parametrize(
    ("use", "key", "value"),
    [
        ("http_observer.HttpObserver", "loop_rate", "zork"),
        ("http_observer.HttpObserver", "check_url", "file:///etc/passwd"),
        ("redis_observer.RedisObserver", "redis_url", "http://x"),
        ("statsd.StatsdEmitter", "port", "0"),
        ("watchdog.WatchDog", "msg_regex", "("),
        ("resource_watcher.ResourceWatcher", "max_mem", "much"),
    ],
)
def test_a_bad_value_has_its_line(use: str, key: str, value: str) -> None:
    (problem,) = check_plugins([plugin(f"circus.plugins.{use}", watcher="web", **{key: value})])
    assert str(problem).startswith("circus.ini:13: [plugin:p] ")
    assert key in problem.message
    assert "legal: " in problem.message


def test_a_missing_option_and_a_bad_flag_are_told_with_the_class() -> None:
    (missing,) = check_plugins([plugin("circus.plugins.resource_watcher.ResourceWatcher")])
    assert (missing.line, "watcher" in missing.message) == (10, True)
    (flag,) = check_plugins([plugin("circus.plugins.statsd.FullStats", active="perhaps")])
    assert "active: found 'perhaps'; legal: yes" in str(flag)
    assert flag.line == 12


def test_a_class_of_the_users_own_is_left_alone() -> None:
    assert check_plugins([plugin("nowhere.to.be.Found", anything="at all")]) == []
