"""Writing runtime changes back: the file then says what holds, and every other byte is as it was."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circus_stack.config.dialect import CIRCUS, PASTE
from circus_stack.config.load import load_circus
from circus_stack.config.plugin_watcher import plugin_watcher
from circus_stack.config.runtime import change_option, watcher_from_options
from circus_stack.config.saving import Saved, save_changes
from circus_stack.config.schema import StackConfig, WatcherConfig
from tests.unit.config.stacks import circus, paste, watcher, write

_INI = """\
# the arbiter
[circus]
check_delay = 5

; what works
[watcher:one]
cmd = run --verbose ; loudly
numprocesses: 2
# a remark in between
args = a
  # within a value
  b
env = A=$(circus.env.HOME),B=2
rlimit_NOFILE = 100
stdout_stream.class = StdoutStream
hooks.before_start = my.hook

# the other one
[watcher:two]
cmd=cat
send_hup = True

[env]
COMMON = 1

[env:o*]
SPECIAL = yes
# the end"""


def _texts(stack: StackConfig) -> dict[str, str]:
    return {path: Path(path).read_bytes().decode() for path in stack.files}


def _saved(stack: StackConfig, *running: WatcherConfig) -> Saved:
    changed = {each.name: each for each in running}
    watchers = [changed.pop(each.name, each) for each in stack.watchers]
    return save_changes(_texts(stack), stack, [*watchers, *changed.values()])


def _only_text(saved: Saved) -> str:
    (text,) = saved.texts.values()
    return text


@pytest.fixture
def stack(tmp_path: Path) -> StackConfig:
    write(tmp_path, _INI, "circus.ini")
    return circus(tmp_path, _INI, HOME="/h")


def test_nothing_that_changed_is_nothing_written(stack: StackConfig) -> None:
    assert _saved(stack) == Saved()


@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("numprocesses", 7, "numprocesses: 2", "numprocesses: 7"),
        ("cmd", "run --quiet", "run --verbose ; loudly", "run --quiet ; loudly"),
        ("args", "c", "args = a\n  # within a value\n  b\n", "args = c\n  # within a value\n"),
        ("rlimit_nofile", "5:6", "rlimit_NOFILE = 100", "rlimit_NOFILE = 5:6"),
        ("hooks.before_start", "other.hook,True", "my.hook", "other.hook,True"),
        ("hooks.before_start", "", "hooks.before_start = my.hook\n", ""),
        ("stdout_stream.class", "FancyStdoutStream", "= StdoutStream", "= FancyStdoutStream"),
        ("stop_signal", "SIGINT", "my.hook\n", "my.hook\nstop_signal = SIGINT\n"),
        ("graceful_timeout", 2.5, "my.hook\n", "my.hook\ngraceful_timeout = 2.5\n"),
    ],
)
def test_a_changed_option_is_written_in_its_place(
    stack: StackConfig, key: str, value: object, old: str, new: str
) -> None:
    changed = change_option(watcher(stack, "one"), key, value)
    saved = _saved(stack, changed)
    assert _only_text(saved) == _INI.replace(old, new, 1)
    assert saved.unsaved == ()
    assert len(saved.changes) == 1
    assert key in saved.changes[0]


def test_variables_keep_what_is_not_changed(stack: StackConfig) -> None:
    one = watcher(stack, "one")
    changed = dataclasses.replace(one, env={**one.env, "B": "3", "C": "4"})
    assert _only_text(_saved(stack, changed)) == _INI.replace("B=2", "B=3,C=4")
    fewer = dataclasses.replace(one, env={"A": "/h", "COMMON": "1", "SPECIAL": "yes"})
    assert _only_text(_saved(stack, fewer)) == _INI.replace(",B=2", "")


def test_what_no_file_can_say_is_told(stack: StackConfig) -> None:
    one = watcher(stack, "one")
    saved = _saved(stack, dataclasses.replace(one, env={"A": "/h", "B": "2", "COMMON": "1"}))
    assert saved == Saved(unsaved=("[watcher:one] env: SPECIAL is set in [env:o*], and stays",))
    saved = _saved(stack, dataclasses.replace(one, env={**one.env, "D": "a,b=c"}))
    assert saved.texts == {}
    assert "write it in [env:NAME]" in saved.unsaved[0]
    saved = _saved(stack, dataclasses.replace(one, cmd="echo ' ; '"))
    assert saved == Saved(unsaved=("[watcher:one] cmd: the file has no way to say it",))


def test_send_hup_goes_with_reload_mode(stack: StackConfig) -> None:
    saved = _saved(stack, change_option(watcher(stack, "two"), "reload_mode", "restart"))
    assert "send_hup = False\nreload_mode = restart\n" in _only_text(saved)


def test_a_new_watcher_becomes_a_section_at_the_end(stack: StackConfig) -> None:
    options = {"numprocesses": 3, "env": {"X": "1"}, "rlimit_core": 0, "own.key": "kept", "stdout_stream.filename": "f"}
    new = watcher_from_options("new", "sleep", ["1"], options, CIRCUS)
    saved = _saved(stack, new)
    section = "cmd = sleep\nargs = 1\nnumprocesses = 3\nrlimit_core = 0\nstdout_stream.filename = f\nown.key = kept"
    assert _only_text(saved) == f"{_INI}\n\n[watcher:new]\n{section}\nenv = X=1\n"
    assert saved.changes == ("+ [watcher:new]",)


def test_a_removed_watcher_takes_its_section_with_it(stack: StackConfig) -> None:
    saved = save_changes(_texts(stack), stack, [watcher(stack, "two")])
    text = _only_text(saved)
    assert text == _INI[: _INI.index("[watcher:one]")] + _INI[_INI.index("\n# the other one") :]
    assert saved.changes == ("- [watcher:one]",)


def test_included_files_are_written_where_the_option_stands(tmp_path: Path) -> None:
    (tmp_path / "more.ini").write_text("[watcher:m]\r\ncmd = cat\r\n[watcher:w]\r\nargs = x\r\n", newline="")
    stack = circus(tmp_path, "[circus]\ninclude = more.ini\n[watcher:w]\ncmd = cat\n")
    w = dataclasses.replace(watcher(stack, "w"), args="y", numprocesses=2)
    saved = _saved(stack, w, dataclasses.replace(watcher(stack, "m"), priority=4))
    more, main = str(tmp_path / "more.ini"), str(tmp_path / "circus.ini")
    assert saved.texts[more] == "[watcher:m]\r\ncmd = cat\r\npriority = 4\r\n[watcher:w]\r\nargs = y\r\n"
    assert saved.texts[main].endswith("[watcher:w]\ncmd = cat\nnumprocesses = 2\n")
    removed = save_changes(_texts(stack), stack, [watcher(stack, "m")])
    assert removed.texts[more] == "[watcher:m]\r\ncmd = cat\r\n"
    assert "watcher:w" not in removed.texts[main]


def test_a_plugin_is_changed_in_its_own_section(tmp_path: Path) -> None:
    stack = circus(tmp_path, "[plugin:x]\nuse = my.Class\n# the end\n")
    running = [plugin_watcher(each, stack.circus) for each in stack.plugins]
    declared = dataclasses.replace(stack, watchers=tuple(running))
    saved = save_changes(_texts(stack), declared, [dataclasses.replace(running[0], priority=5, args="no")])
    assert _only_text(saved) == "[plugin:x]\nuse = my.Class\npriority = 5\n# the end\n"
    assert "made from its section" in saved.unsaved[0]


def test_a_paste_file_keeps_its_variables(tmp_path: Path) -> None:
    text = "[app:main]\nuse = egg:shop\n[watcher:w]\ncmd = %(here)s/run\nenv = A=%(here)s,B=50%%\n"
    stack = paste(tmp_path, text)
    w = watcher(stack, "w")
    changed = dataclasses.replace(w, args="100%", env={**w.env, "C": "7%"}, numprocesses=2)
    saved = _saved(stack, changed, dataclasses.replace(watcher(stack, "web"), numprocesses=3))
    expected = text.replace("50%%", "50%%,C=7%%") + "args = 100%%\nnumprocesses = 2\n"
    assert _only_text(saved).startswith(expected)
    again = paste(tmp_path, _only_text(saved))
    assert watcher(again, "w") == changed
    assert watcher(again, "web").numprocesses == 3


def test_a_paste_stack_has_the_defaults_of_its_dialect_for_a_new_watcher(tmp_path: Path) -> None:
    stack = paste(tmp_path, "[watcher:w]\ncmd = cat\n")
    new = watcher_from_options("n", "chaussette app", "", {"max_failures": 0}, PASTE)
    text = _only_text(_saved(stack, new))
    assert text.endswith("[watcher:n]\ncmd = chaussette app\nmax_failures = 0\n")
    assert watcher(paste(tmp_path, text), "n") == new


_CHANGES = st.lists(
    st.sampled_from(
        [
            ("numprocesses", 4),
            ("numprocesses", 0),
            ("stop_signal", 35),
            ("stop_signal", "TERM"),
            ("graceful_timeout", 0.25),
            ("cmd", "echo 'a b' %d $(circus.wid)"),
            ("args", ""),
            ("working_dir", "/tmp"),
            ("working_dir", None),
            ("reload_mode", "hup"),
            ("reload_mode", "none"),
            ("ready", "tcp:127.0.0.1:99"),
            ("depends_on", ["two"]),
            ("env", {"A": "1"}),
            ("env", {"COMMON": "1", "SPECIAL": "yes"}),
            ("rlimit_nofile", 7),
            ("rlimit_cpu", None),
            ("hooks.before_start", ""),
            ("hooks.after_start", "x.y"),
            ("stdout_stream.filename", "f"),
            ("stdout_stream", None),
            ("stderr_stream", {"class": "StdoutStream"}),
            ("uid", 5),
        ]
    ),
    max_size=6,
)


@settings(max_examples=30, deadline=None)
@given(changes=_CHANGES)
def test_what_is_saved_is_what_holds(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, object]]
) -> None:
    folder = tmp_path_factory.mktemp("saving")
    stack = circus(folder, _INI, HOME="/h")
    one = watcher(stack, "one")
    for key, value in changes:
        one = change_option(one, key, value)
    saved = _saved(stack, one)
    for path, text in saved.texts.items():
        Path(path).write_text(text, encoding="utf-8")
    again = load_circus(Path(stack.files[0]), environ={"HOME": "/h"})
    found = watcher(again, "one")
    if saved.unsaved:
        # [env] and [env:o*] can't be taken away from one watcher.
        assert all(" env: " in each for each in saved.unsaved)
        found, one = dataclasses.replace(found, env={}), dataclasses.replace(one, env={})
    assert found == one
    assert watcher(again, "two") == watcher(stack, "two")
    comments = [line for line in _INI.splitlines() if line.lstrip()[:1] in ("#", ";")]
    kept = (folder / "circus.ini").read_text(encoding="utf-8").splitlines()
    assert [line for line in kept if line in comments] == comments


def test_a_carriage_return_becomes_no_line_of_a_file(stack: StackConfig) -> None:
    one = watcher(stack, "one")
    for changed in (
        dataclasses.replace(one, cmd="sleep 1\r[watcher:evil]\rcmd = id"),
        dataclasses.replace(one, env={**one.env, "B": "3\r[watcher:evil]\rcmd = id"}),
        dataclasses.replace(one, name="new", cmd="sleep 1\r[watcher:evil]\rcmd = id"),
    ):
        saved = _saved(stack, changed)
        assert saved.texts == {}
        assert len(saved.unsaved) == 1


def test_no_option_takes_a_carriage_return_at_run_time(stack: StackConfig) -> None:
    one = watcher(stack, "one")
    for key, value in (
        ("cmd", "sleep 1\r[watcher:evil]"),
        ("working_dir", "/\r"),
        ("env", {"A": "\r"}),
        ("stdout_stream", {"class": "FileStream", "filename": "/x\ry"}),
        ("args", ["one", "two\r"]),
    ):
        with pytest.raises(ValueError, match=rf"^{key}: .*holds a carriage return; legal: text without one"):
            change_option(one, key, value)
    with pytest.raises(ValueError, match=r"^cmd: .*carriage return"):
        watcher_from_options("new", "sleep 1\r[watcher:evil]", "", {}, CIRCUS)
