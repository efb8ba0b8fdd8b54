"""Lines of a Procfile and of .env in our words."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.config.problems import Problems
from circus_stack.moving.guess import guess_kind
from circus_stack.moving.procfile.dotenv import parse_dotenv
from circus_stack.moving.procfile.formation import parse_formation
from circus_stack.moving.procfile.translate import Launch, import_procfile
from tests.unit.config.stacks import paste, watcher


def translate(text: str, **more: object) -> str:
    problems = Problems()
    launch = Launch(directory="%(here)s", environment={}, **more)  # type: ignore[arg-type]
    draft = import_procfile(text, "Procfile", launch, problems)
    assert problems.mistakes == ()
    return draft.render("heading")


def test_ports_as_honcho_gives_them(tmp_path: Path) -> None:
    stack = paste(tmp_path, translate("web: run $PORT\njob: work\nend: stop\n", formation="job=3"))
    assert watcher(stack, "web").env["PORT"] == "5000"
    assert watcher(stack, "job").cmd == "export PORT=$((5099 + $(circus.wid))); work"
    assert watcher(stack, "job").numprocesses == 3
    assert watcher(stack, "end").env["PORT"] == "5200"
    assert all(each.shell and each.working_dir == str(tmp_path) for each in stack.watchers)


def test_none_of_a_kind(tmp_path: Path) -> None:
    stack = paste(tmp_path, translate("web: run\njob: work\n", formation="all=0,web=1", port=80))
    assert {each.name: each.numprocesses for each in stack.watchers} == {"web": 1, "job": 0}
    assert watcher(stack, "web").env["PORT"] == "80"


def test_a_release_runs_when_asked(tmp_path: Path) -> None:
    stack = paste(tmp_path, translate("release: migrate\nweb: run\n"))
    assert (watcher(stack, "release").autostart, watcher(stack, "release").respawn) == (False, False)


@pytest.mark.parametrize("text", ["web", "wep=1", "web=x", "web=-1"])
def test_a_wrong_formation_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"NAME=N|no process|number"):
        parse_formation(text, ["web"])


def test_dotenv_by_the_rules_of_a_shell() -> None:
    problems = Problems()
    text = 'A=1\n# B=2\nC=\'x y\' # z\nD="q\\"r"\n\nE=a\\\\nb\nnonsense\nF="one\\ntwo"\n'
    found = parse_dotenv(text, ".env", problems)
    assert found["A"], found["C"] == ("1", "x y")
    assert (found["D"], found["F"]) == ('q"r', "one\ntwo")
    assert [each.line for each in problems.warnings] == [7]


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("Procfile", "", "procfile"),
        ("Procfile.dev", "", "procfile"),
        ("gunicorn.conf.py", "", "gunicorn"),
        ("x.conf", "# c\n[program:x]\ncommand=y\n", "supervisor"),
        ("x.ini", "[supervisord]\n", "supervisor"),
        ("launch", "web: run\n\n# c\njob: work\n", "procfile"),
        ("x.ini", "[app:main]\nuse = egg:x\n", None),
        ("x", "", None),
    ],
)
def test_what_a_file_is(name: str, text: str, kind: str | None) -> None:
    assert guess_kind(name, text) == kind
