"""`numprocesses = 2..16`: read, refused, changed while the stack runs, read again, and written back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from circus_stack.arbiter.merging import merged_stack
from circus_stack.config.autoscaling import NAME, USE
from circus_stack.config.load import load_circus
from circus_stack.config.overrides import Overrides
from circus_stack.config.runtime import change_option, check_change
from circus_stack.config.saving import save_changes
from circus_stack.config.schema import StackConfig, WatcherConfig
from circus_stack.errors import ConfigError
from circus_stack.scaling import ScaleRange, parse_condition
from tests.unit.config.stacks import APP, circus, mistakes, paste, watcher, write

CHAUSSETTE = "[watcher:web]\ncmd = chaussette --fd $(circus.sockets.web) mod.app\nuse_sockets = True\n"
SOCKET = "[socket:web]\nport = 0\n"


def _web(folder: Path, lines: str) -> WatcherConfig:
    return watcher(circus(folder, SOCKET + CHAUSSETTE + lines), "web")


def test_circus_file(tmp_path: Path) -> None:
    web = _web(tmp_path, "numprocesses = 2..16\nscale_up_when = cpu > 70% or backlog > 10\nscale_step = 2\n")
    assert (web.numprocesses, web.scale_range, web.scale_step) == (2, ScaleRange(2, 16), 2)
    assert web.scale_up_when == parse_condition("cpu > 70% or backlog > 10")
    assert web.most_processes == 16


def test_number_to_start_with(tmp_path: Path) -> None:
    web = _web(tmp_path, "numprocesses = 4\nscale_range = 2..16\n")
    assert (web.numprocesses, web.scale_range) == (4, ScaleRange(2, 16))


@pytest.mark.parametrize("own", ["workers = 2..16", "numprocesses = 2..16"])
def test_server_section(tmp_path: Path, own: str) -> None:
    stack = paste(tmp_path, f"{APP}[server:main]\nuse = egg:circus-stack\n{own}\n")
    web = watcher(stack, "web")
    assert stack.web is not None
    assert (stack.web.workers, web.numprocesses, web.scale_range) == (2, 2, ScaleRange(2, 16))


def test_percent_sign_in_a_paste_file_is_written_once_or_twice(tmp_path: Path) -> None:
    text = f"{APP}[server:main]\nuse = egg:circus-stack\n[watcher:web]\nnumprocesses = 3..5\n"
    text += "scale_up_when = cpu > 70% or busy > 90%%\nscale_down_when = cpu < %(low)s%\nlow = 20\n"
    text = text.replace("low = 20\n", "") + "[DEFAULT]\nlow = 20\n"
    web = watcher(paste(tmp_path, text), "web")
    assert str(web.scale_up_when) == "cpu > 70% or busy > 90%"
    assert str(web.scale_down_when) == "cpu < 20%"
    assert web.numprocesses == 3


@pytest.mark.parametrize("given", [{"overrides": Overrides(workers=5)}, {"environ": {"WEB_CONCURRENCY": "5"}}])
def test_flag_and_environment_are_a_number_and_no_range(tmp_path: Path, given: dict[str, object]) -> None:
    stack = paste(tmp_path, f"{APP}[server:main]\nuse = egg:circus-stack\nworkers = 2..16\n", **given)
    web = watcher(stack, "web")
    assert (web.numprocesses, web.scale_range) == (5, None)
    assert any("WEB_CONCURRENCY" in each.message and each.option == "scale_range" for each in stack.warnings)


@pytest.mark.parametrize(
    ("lines", "option", "line", "told"),
    [
        ("numprocesses = 16..2", "numprocesses", 6, "or a range as in 2..16"),
        ("numprocesses = 2..16\nscale_range = 1..4", "scale_range", 7, "stands beside numprocesses = 2..16"),
        ("numprocesses = 1\nscale_range = 2..16", "numprocesses", 6, "2 to 16"),
        ("numprocesses = 1..4\nsingleton = True", "scale_range", 6, "singleton"),
        ("ready = none\nnumprocesses = 2..4\noneshot = True", "scale_range", 7, "oneshot"),
        ("numprocesses = 2..4\nrespawn = False", "scale_range", 6, "respawn"),
        ("numprocesses = 2..4\nscale_up_when = busy > 80", "scale_up_when", 7, "busy needs a unit in column 10"),
        ("numprocesses = 2..4\nscale_up_when = load > 8", "scale_up_when", 7, "busy, backlog, cpu, memory, p99"),
        ("numprocesses = 2..4\nscale_down_when = busy < 90%", "scale_down_when", 7, "can hold together with"),
        ("numprocesses = 2..4\nscale_step = 0", "scale_step", 7, "1 or more"),
    ],
)
def test_mistakes(tmp_path: Path, lines: str, option: str, line: int, told: str) -> None:
    problems = mistakes(circus, tmp_path, SOCKET + CHAUSSETTE + lines + "\n")
    assert [(each.option, each.line) for each in problems] == [(option, line)]
    assert told in str(problems[0])


@pytest.mark.parametrize(
    ("up", "down", "fits"),
    [
        ("busy > 80%", "busy < 80%", True),
        ("busy >= 80%", "busy <= 80%", False),
        ("busy > 80% and memory < 90%", "busy < 50% and memory < 95%", True),
        ("busy > 80% and memory < 90%", "cpu < 50% and memory < 95%", True),
        ("busy > 80% or backlog > 10", "backlog < 20", False),
        ("cpu > 80%", "busy < 90%", True),
    ],
)
def test_conditions_that_hold_at_once_are_refused(tmp_path: Path, up: str, down: str, fits: bool) -> None:
    text = f"{SOCKET}{CHAUSSETTE}numprocesses = 2..4\nscale_up_when = {up}\nscale_down_when = {down}\n"
    if fits:
        circus(tmp_path, text)
    else:
        with pytest.raises(ConfigError, match="can hold together"):
            circus(tmp_path, text)


def test_warnings_of_what_will_never_be_known(tmp_path: Path) -> None:
    text = "[watcher:job]\ncmd = sleep 1\nnumprocesses = 2..4\nscale_down_when = cpu < 5% and backlog < 1\n"
    told = [str(each) for each in circus(tmp_path, text).warnings]
    assert any("scale_up_when" in each and "busy" in each and "cpu is known of all" in each for each in told)
    assert any("scale_down_when" in each and "no socket" in each for each in told)


def test_options_without_a_range_have_no_effect(tmp_path: Path) -> None:
    stack = circus(tmp_path, "[watcher:job]\ncmd = sleep 1\nscale_step = 2\n")
    assert ["has no effect" in each.message for each in stack.warnings if each.option == "scale_step"] == [True]


# -- while the stack runs -------------------------------------------------------------------------------------


def test_set_of_a_range_takes_the_number_along(tmp_path: Path) -> None:
    web = dataclasses.replace(_web(tmp_path, "numprocesses = 2..16\n"), numprocesses=7)
    for key in ("numprocesses", "scale_range"):
        changed = change_option(web, key, "2..4")
        assert (changed.numprocesses, changed.scale_range) == (4, ScaleRange(2, 4))


def test_set_of_a_number_is_free_to_leave_the_range(tmp_path: Path) -> None:
    stack = circus(tmp_path, SOCKET + CHAUSSETTE + "numprocesses = 2..4\n")
    changed = change_option(watcher(stack, "web"), "numprocesses", 9)
    check_change(stack, changed)
    assert (changed.numprocesses, changed.scale_range) == (9, ScaleRange(2, 4))


def test_set_of_nothing_ends_the_scaling(tmp_path: Path) -> None:
    changed = change_option(_web(tmp_path, "numprocesses = 2..4\n"), "scale_range", "")
    assert (changed.numprocesses, changed.scale_range) == (2, None)


def test_set_tells_the_column_of_a_mistake(tmp_path: Path) -> None:
    web = _web(tmp_path, "numprocesses = 2..4\n")
    with pytest.raises(ValueError, match=r"scale_up_when: .* in column 10; legal: 80%"):
        change_option(web, "scale_up_when", "busy > 80")


def _reread(folder: Path, old: str, new: str, running: int, **changed: object) -> WatcherConfig:
    before = circus(folder, SOCKET + CHAUSSETTE + old + "\n")
    now = circus(folder, SOCKET + CHAUSSETTE + new + "\n")
    own = dataclasses.replace(watcher(before, "web"), numprocesses=running, **changed)  # type: ignore[arg-type]
    return watcher(merged_stack(before, {"web": own}, now), "web")


@pytest.mark.parametrize(
    ("old", "new", "running", "count"),
    [
        ("numprocesses = 2..16", "numprocesses = 2..16", 7, 7),
        ("numprocesses = 2..16", "numprocesses = 4..16", 7, 7),
        ("numprocesses = 2..16", "numprocesses = 2..5", 7, 5),
        ("numprocesses = 2..16", "numprocesses = 9..12", 7, 9),
        ("numprocesses = 2..16", "numprocesses = 2", 7, 2),
        ("numprocesses = 2..16", "numprocesses = 5", 7, 5),
        ("numprocesses = 6", "numprocesses = 2..16", 6, 6),
        ("numprocesses = 30", "numprocesses = 2..16", 30, 16),
    ],
)
def test_file_that_is_read_again_leaves_what_the_load_has_made(
    tmp_path: Path, old: str, new: str, running: int, count: int
) -> None:
    assert _reread(tmp_path, old, new, running).numprocesses == count


def test_range_that_an_operator_set_outlives_a_reload(tmp_path: Path) -> None:
    found = _reread(tmp_path, "numprocesses = 2..4", "numprocesses = 2..4", 8, scale_range=ScaleRange(6, 9))
    assert (found.numprocesses, found.scale_range) == (8, ScaleRange(6, 9))


# -- written back ---------------------------------------------------------------------------------------------


def _saved(stack: StackConfig, path: Path, changed: WatcherConfig) -> str:
    text = path.read_text()
    return save_changes({str(path): text}, stack, [changed]).texts.get(str(path), text)


@pytest.mark.parametrize(
    ("lines", "changes", "count", "written"),
    [
        ("numprocesses = 2..16", {"numprocesses": 7}, 2, "numprocesses = 2..16\n"),
        ("numprocesses = 2..16", {"scale_range": "4..8"}, 4, "numprocesses = 4..8\n"),
        ("numprocesses = 2..16", {"numprocesses": 7, "scale_range": ""}, 7, "numprocesses = 7\n"),
        ("numprocesses = 5", {"numprocesses": "2..16"}, 2, "numprocesses = 2..16\n"),
        ("numprocesses = 4\nscale_range = 2..8", {"scale_range": "2..6"}, 4, "numprocesses = 4\nscale_range = 2..6\n"),
        ("numprocesses = 4\nscale_range = 2..8", {"scale_range": "5..6"}, 5, "numprocesses = 5\nscale_range = 5..6\n"),
        (
            "numprocesses = 2..16",
            {"scale_up_when": "cpu > 60%"},
            2,
            "numprocesses = 2..16\nscale_up_when = cpu > 60%\n",
        ),
    ],
)
def test_range_is_saved_and_the_number_of_the_moment_is_not(
    tmp_path: Path, lines: str, changes: dict[str, object], count: int, written: str
) -> None:
    path = write(tmp_path, f"[watcher:web]\ncmd = run\n{lines}\n", "circus.ini")
    stack = load_circus(path, environ={})
    changed = watcher(stack, "web")
    for key, value in changes.items():
        changed = change_option(changed, key, value)
    text = _saved(stack, path, changed)
    assert text == f"[watcher:web]\ncmd = run\n{written}"
    assert watcher(load_circus(write(tmp_path, text, "again.ini"), environ={}), "web").numprocesses == count


# -- what a range brings along --------------------------------------------------------------------------------


def test_range_brings_the_autoscaler_and_its_figures(tmp_path: Path) -> None:
    stack = circus(tmp_path, "[watcher:job]\ncmd = run\nnumprocesses = 2..4\n")
    assert stack.circus.statsd
    assert [(each.name, each.use) for each in stack.plugins] == [(NAME, USE)]
    assert not circus(tmp_path, "[watcher:job]\ncmd = run\nnumprocesses = 2\n").plugins


def test_autoscaler_that_the_file_declares_is_the_only_one(tmp_path: Path) -> None:
    text = "[watcher:job]\ncmd = run\nnumprocesses = 2..4\n[plugin:mine]\nuse = circus.plugins.autoscaler.Autoscaler\n"
    assert [each.name for each in circus(tmp_path, text).plugins] == ["mine"]


def test_figures_that_the_file_turns_off_are_a_mistake(tmp_path: Path) -> None:
    text = "[circus]\nstatsd = False\n[watcher:job]\ncmd = run\nnumprocesses = 2..4\n"
    assert [(each.option, each.line) for each in mistakes(circus, tmp_path, text)] == [("statsd", 2)]


def test_environment_without_figures_is_told_and_has_no_autoscaler(tmp_path: Path) -> None:
    text = "[watcher:job]\ncmd = run\nnumprocesses = 2..4\n"
    stack = circus(tmp_path, text, CIRCUS_STACK_STATSD="0")
    assert not stack.plugins
    assert any("the environment turns circusd-stats off" in each.message for each in stack.warnings)


def test_range_that_comes_while_nobody_keeps_to_it_is_refused(tmp_path: Path) -> None:
    stack = circus(tmp_path, "[watcher:job]\ncmd = run\n")
    changed = change_option(watcher(stack, "job"), "numprocesses", "2..4")
    with pytest.raises(ValueError, match=r"needs the autoscaler, .* circus-stack reload"):
        check_change(stack, changed)


def test_file_that_wants_figures_wins_over_the_environment(tmp_path: Path) -> None:
    text = "[circus]\nstatsd = True\n[watcher:job]\ncmd = run\nnumprocesses = 2..4\n"
    assert circus(tmp_path, text, CIRCUS_STACK_STATSD="0").plugins


def test_example_is_right(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "examples" / "autoscaling.ini").read_text()
    stack = paste(tmp_path, text)
    assert watcher(stack, "web").scale_range == ScaleRange(2, 8)
    assert [str(each) for each in stack.warnings] == []
