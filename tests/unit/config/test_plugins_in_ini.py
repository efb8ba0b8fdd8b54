"""`[plugin:NAME]`: which class is meant, what is its own and what its watcher's, and the command that runs it."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from pathlib import Path

import pytest

from circus_stack.cli.circus_plugin import circus_plugin
from circus_stack.config.plugin_section import _SHIPPED
from circus_stack.config.plugin_watcher import plugin_watcher
from circus_stack.config.schema import CircusConfig, WatcherConfig
from circus_stack.config.values import StreamConfig
from circus_stack.plugins.loading import load_plugin
from tests.unit.config.stacks import circus, mistakes

_CIRCUS = CircusConfig(endpoint="ipc:///run/c", pubsub_endpoint="tcp://127.0.0.1:5556")


def _watcher(folder: Path, section: str, arbiter: CircusConfig = _CIRCUS) -> WatcherConfig:
    (plugin,) = circus(folder, section, HOME="/home/ada").plugins
    return plugin_watcher(plugin, arbiter)


def test_a_plugin_is_a_singleton_that_runs_circus_plugin(tmp_path: Path) -> None:
    section = """
        [plugin:flap]
        use = circus.plugins.flapping.Flapping
        max_retry = 5
        window = a 'quoted' word
        path = $(circus.env.HOME)/x
        """
    watcher = _watcher(tmp_path, section)
    own = "max_retry:5:::window:a 'quoted' word:::path:/home/ada/x"
    assert shlex.split(watcher.cmd) == [
        *(sys.executable, "-m", "circus_stack.cli.circus_plugin"),
        *("--endpoint", "ipc:///run/c", "--pubsub", "tcp://127.0.0.1:5556"),
        *("--config", own, "circus_stack.plugins.flapping.Flapping"),
    ]
    assert (watcher.name, watcher.singleton, watcher.priority) == ("plugin:flap", True, 1)
    assert (watcher.copy_env, watcher.copy_path, watcher.max_retry) == (True, True, 5)


def test_the_flags_are_those_of_circus_plugin(tmp_path: Path) -> None:
    arbiter = dataclasses.replace(_CIRCUS, check_delay=0.5, debug=True)
    words = shlex.split(_watcher(tmp_path, "[plugin:own]\nuse = my.module.Class\nk = v", arbiter).cmd)
    context = circus_plugin.make_context("circus-plugin", words[3:])
    assert context.params["config"] == "k:v"
    assert (context.params["plugin"], context.params["check_delay"], context.params["log_level"]) == (
        "my.module.Class",
        0.5,
        "debug",
    )


def test_every_option_of_a_watcher_is_honoured(tmp_path: Path) -> None:
    section = """
        [plugin:own]
        use = my.Class
        priority = 7
        uid = 33
        stdout_stream.class = StdoutStream
        rlimit_nofile = 100
        env = A=1
        copy_env = False
        cmd = the plugin's own
        [env:plugin:own]
        B = 2
        """
    watcher = _watcher(tmp_path, section)
    assert (watcher.priority, watcher.uid, watcher.rlimits) == (7, "33", {"nofile": (100, 100)})
    assert (watcher.stdout_stream, watcher.env) == (StreamConfig("StdoutStream"), {"A": "1", "B": "2"})
    assert (watcher.copy_env, watcher.copy_path) == (False, False)
    config = shlex.split(watcher.cmd)[-2]
    assert "cmd:the plugin's own" in config
    assert "A=1" not in config


@pytest.mark.parametrize("name", _SHIPPED)
@pytest.mark.parametrize("package", ["circus.plugins", "circus_stack.plugins"])
def test_every_shipped_name_leads_to_a_class(tmp_path: Path, package: str, name: str) -> None:
    watcher = _watcher(tmp_path, f"[plugin:x]\nuse = {package}.{name}")
    assert load_plugin(shlex.split(watcher.cmd)[-1]).__name__ == name.partition(".")[2]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("use = circus.plugins.flaping.Flapping", "did you mean 'circus.plugins.flapping.Flapping'"),
        ("use = Flapping", "is no class"),
        ("loop_rate = 1", "names no class"),
        ("use =", "names no class"),
        ("use = my.Class\npriority = high", "is not a valid whole number"),
        ("use = my.Class\na = x:::y", "holds :::"),
        ("use = my.Class\nhooks.before_strat = a.b", "did you mean 'hooks.before_start'"),
    ],
)
def test_mistakes_are_told_with_their_line(tmp_path: Path, lines: str, said: str) -> None:
    (problem,) = mistakes(circus, tmp_path, f"[plugin:x]\n{lines}\n")
    assert said in str(problem)
    assert problem.line in (1, 2, 3)
    assert problem.section == "plugin:x"


def test_a_plugin_has_a_name_of_its_own_and_is_in_no_ring(tmp_path: Path) -> None:
    taken = "[plugin:x]\nuse = my.Class\n[watcher:plugin:X]\ncmd = cat\n"
    (problem,) = mistakes(circus, tmp_path, taken)
    assert "is taken by [plugin:X]" in problem.message
    ring = "[plugin:x]\nuse = my.Class\ndepends_on = w\n[watcher:w]\ncmd = cat\ndepends_on = plugin:x\n"
    (problem,) = mistakes(circus, tmp_path, ring)
    assert "is a ring: " in problem.message


def test_a_watcher_may_depend_on_a_plugin(tmp_path: Path) -> None:
    stack = circus(tmp_path, "[plugin:x]\nuse = my.Class\n[watcher:w]\ncmd = cat\ndepends_on = plugin:x\n")
    assert stack.watchers[0].depends_on == ("plugin:x",)
