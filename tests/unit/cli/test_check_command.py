from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from circus_stack.cli.check import check

GOOD = "[watcher:a]\ncmd = true\nnumproceses = 2\n[socket:s]\nhost = 127.0.0.1\nport = 0\n"
BAD = "[watcher:a]\nnumprocesses = x\n"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str, text: str = "", name: str = "stack.ini") -> Result:
    Path(name).write_text(text)
    return CliRunner().invoke(check, words)


def test_a_good_file_is_praised_with_its_warnings() -> None:
    result = run("stack.ini", text=GOOD)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0].startswith("warning: stack.ini:3: [watcher:a] numproceses:")
    assert lines[1:] == ["stack.ini: in order", "  listening on 127.0.0.1:0", "  watcher a", "  1 warning"]


def test_a_bad_file_is_refused_with_every_mistake() -> None:
    result = run("stack.ini", text=BAD)
    assert result.exit_code == 2
    assert result.output.splitlines() == [
        "error: stack.ini:1: [watcher:a] cmd: has no command; legal: a command line",
        "error: stack.ini:2: [watcher:a] numprocesses: is not a valid number of processes; found 'x'; "
        "legal: a whole number, 0 to 10000, or a range as in 2..16",
        "stack.ini: 2 mistakes",
    ]


@pytest.mark.parametrize(("text", "ok"), [(GOOD, True), (BAD, False)])
def test_json_says_the_same(text: str, ok: bool) -> None:
    result = run("stack.ini", "--format", "json", text=text)
    found = json.loads(result.output)
    assert (found["ok"], result.exit_code) == (ok, 0 if ok else 2)
    assert bool(found["problems"]) == (not ok)
    assert (found["stack"] is None) == (not ok)


def test_the_kind_can_be_said() -> None:
    assert run("stack.ini", "--kind", "paste", text=GOOD).exit_code == 2
    assert run("stack.ini", "--kind", "circus", text=GOOD).exit_code == 0


def test_an_application_needs_no_file() -> None:
    assert "serving wsgi:app" in run("wsgi:app").output


def test_a_misspelt_sink_is_a_mistake() -> None:
    result = run("stack.ini", text="[watcher:a]\ncmd = true\nstdout_stream.class = FileStraem\n")
    assert (result.exit_code, "FileStream" in result.output) == (2, True)


def test_a_missing_file_and_a_bad_variable() -> None:
    assert "does not exist" in run("nope.ini").output
    assert run("stack.ini", "novalue", text="[app:main]\nuse = call:a:b\n").exit_code == 2


def test_variables_names_and_targets_are_those_of_serve() -> None:
    text = "[app:x]\nuse = call:a:b\nv = %(v)s\n[server:s]\nuse = egg:waitress\nport = 1\n"
    assert run("app.ini", "v=1", "-n", "x", "--server-name", "s", text=text, name="app.ini").exit_code == 0
    assert run("app.ini?v=1#x", "--server-name", "s", text=text, name="app.ini").exit_code == 0
    assert run("app.ini", text=text, name="app.ini").exit_code == 2
