"""From a hook's name to its callable, and what is said of a name that leads nowhere."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from circus_stack.arbiter.hook_loading import HookNotFoundError, check_hooks, load_hook
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import HookConfig, Location


def watcher(name: str, hook: str = "before_start", **env: str) -> WatcherConfig:
    where = {f"hooks.{hook}": Location("app.ini", 7)}
    return WatcherConfig(name="web", hooks={hook: HookConfig(name)}, env=env, where=where)


def test_a_function_a_method_and_a_colon() -> None:
    assert load_hook("os.path.join", {}) is load_hook("os.path:join", {})
    assert load_hook("pathlib.Path.cwd", {})() == Path.cwd()


def test_the_watchers_own_path_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "hook_of_its_own.py").write_text("def greet(*_):\n    return 5\n")
    assert load_hook("hook_of_its_own.greet", {"PYTHONPATH": f":{tmp_path}:/nowhere"})() == 5
    load_hook("hook_of_its_own.greet", {"PYTHONPATH": str(tmp_path)})
    assert sys.path.count(str(tmp_path)) == 1
    del sys.modules["hook_of_its_own"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("greet", "names no module"),
        ("no_such_module.greet", "No module named 'no_such_module'"),
        ("os.path.no_such_function", "has no no_such_function"),
        ("os:path.no_such_function", "has no path.no_such_function"),
        ("os.sep", "is not callable: it is a str"),
    ],
)
def test_what_leads_nowhere(name: str, reason: str) -> None:
    with pytest.raises(HookNotFoundError, match=reason):
        load_hook(name, {})


def test_a_module_that_fails_is_told_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "broken_hooks.py").write_text("import no_such_thing\n")
    with pytest.raises(HookNotFoundError, match="cannot import broken_hooks: No module named 'no_such_thing'"):
        load_hook("broken_hooks.greet", {"PYTHONPATH": str(tmp_path)})


def test_a_start_is_refused_with_the_line() -> None:
    [problem] = check_hooks([watcher("os.path.join"), watcher("os.path.joyn")])
    assert str(problem).startswith("app.ini:7: [watcher:web] hooks.before_start: os.path has no joyn; found ")


def test_a_hook_that_nobody_calls_is_a_mistake() -> None:
    [problem] = check_hooks([watcher("os.path.join", "before_strat")])
    assert "there is no hook before_strat" in str(problem)
    assert "before_start" in problem.legal
