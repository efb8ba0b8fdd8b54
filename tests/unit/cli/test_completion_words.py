"""What the completion suggests, from lines alone; the scripts are those that are shipped."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from circus_stack.cli.circusctl import circusctl
from circus_stack.cli.completion import circus_protocol
from circus_stack.cli.completion.completion_command import SHELLS, answers, completion, script
from circus_stack.cli.completion.line import split_line, words_behind
from circus_stack.cli.completion.programs import PROGRAMS, command_of
from circus_stack.cli.completion.suggestions import suggest
from circus_stack.cli.ctl_reach import Reach
from circus_stack.cli.ctl_session import Session
from circus_stack.errors import CallError

ROOT = Path(__file__).parents[3]


class Telling(Session):
    """A session whose arbiter has two watchers; any other question fails."""

    def ask(self, command: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        if command == "list":
            return {"status": "ok"} | (
                {"pids": [11, 12]} if "name" in properties else {"watchers": ["plugin:x", "web"]}
            )
        if command == "options":
            return {"status": "ok", "options": {"numprocesses": 2, "cmd": "sleep 9", "env": {}}}
        raise CallError("nobody there")


def suggested(*words: str) -> list[str]:
    """The last word is the one to complete."""
    session = Telling(reach=Reach(environ={}), say=print, complain=print)
    return [item.value for item in suggest(circusctl, words[:-1], words[-1], session)]


@pytest.mark.parametrize(
    ("line", "words", "beginning"),
    [
        ("", [], ""),
        ("a b", ["a"], "b"),
        ("a b ", ["a", "b"], ""),
        ("a 'big o", ["a"], "big o"),
        ('a "x y" z', ["a", "x y"], "z"),
        ("a big\\ o", ["a"], "big o"),
        ("a b\\", ["a"], "b"),
    ],
)
def test_a_line_is_split_as_a_shell_does(line: str, words: list[str], beginning: str) -> None:
    assert split_line(line) == (words, beginning)


def test_the_program_may_stand_behind_other_words() -> None:
    assert words_behind("circusctl", ["sudo", "-u", "web", ".venv/bin/circusctl", "list"]) == ["list"]
    assert words_behind("circusctl", ["ctl", "list"]) == ["list"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sto"], ["stop"]),
        (["stop", ""], ["plugin:x", "web"]),
        (["stop", "PL"], ["plugin:x"]),
        (["list", "w"], ["web"]),
        (["list", "web", ""], []),
        (["stop", "--wait"], ["--waiting"]),
        (["stop", "--js"], ["--json"]),
        (["stop", "--match", ""], ["simple", "glob", "regex"]),
        (["stop", "--match", "re"], ["regex"]),
        (["kill", "web", ""], ["11", "12"]),
        (["signal", "web", "USR"], ["USR1", "USR2"]),
        (["signal", "web", "sigusr"], ["SIGUSR1", "SIGUSR2"]),
        (["kill", "web", "--signum", "USR1"], ["USR1"]),
        (["get", "web", "c"], ["cmd"]),
        (["get", "web", "cmd", ""], ["env", "numprocesses"]),
        (["globaloptions", ""], []),
        (["listen", "watcher.w"], ["watcher.web."]),
        (["help", "num"], ["numprocesses", "numwatchers"]),
        (["nonsense", "x"], []),
    ],
)
def test_the_next_word_of_circusctl(words: list[str], expected: list[str]) -> None:
    assert suggested(*words) == expected


def test_a_completion_that_fails_suggests_nothing() -> None:
    def fail(*_args: object) -> list[Any]:
        raise RuntimeError("broken")

    command = click.Command("x", params=[click.Argument(["a"], shell_complete=fail)])
    assert suggest(command, [], "") == []


def test_the_answers_that_the_scripts_read() -> None:
    assert answers("circus-stack", "circus-stack che").startswith("plain\tcheck\tCheck a configuration")
    assert answers("circus-stack", "circus-stack serve ") == "file\n"
    assert answers("chaussette", "chaussette --no-server-h") == "plain\t--no-server-header\tsend no Server header\n"
    assert answers("circusd", "circusd --log-level w") == "plain\twarning\t\n"
    assert answers("rm", "rm -") == ""


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_program_has_options_to_complete(program: str) -> None:
    names = [item.value for item in suggest(command_of(program), [], "--")]
    assert len(names) > 1


def test_circus_own_protocol() -> None:
    def told(words: str, number: str) -> str:
        session = Telling(reach=Reach(environ={}), say=print, complain=print)
        return circus_protocol.answer(circusctl, {"COMP_WORDS": words, "COMP_CWORD": number}, session)

    assert told("circusctl st", "1") == "start stats status stop"
    assert told("circusctl stop ", "2") == "plugin:x web"
    assert told("circusctl st", "x") == ""
    assert not circus_protocol.is_asked({})


def test_every_program_is_completed_in_every_shell() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert set(scripts) == set(PROGRAMS)
    for shell in SHELLS:
        text = script(shell)
        assert f"{' '.join(PROGRAMS)}\n" in text
        printed = CliRunner().invoke(completion, [shell])
        assert (printed.exit_code, printed.output) == (0, text)
