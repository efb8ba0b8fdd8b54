"""The command lines of circusctl, from words to what is asked of an arbiter; nothing is connected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import pytest

from circus_stack.cli.circusctl import circusctl
from circus_stack.cli.ctl_commands import build_command
from circus_stack.cli.ctl_flags import Abbreviating
from circus_stack.cli.ctl_reach import Reach
from circus_stack.cli.ctl_session import Session
from circus_stack.protocol.command import Command
from circus_stack.protocol.property import BOOL, LINE, PAIRS, TEXT, Property

NAME = Property("name", TEXT, "a watcher", is_required=True)
SET = Command("set", "Set.", "set", (NAME, Property("options", PAIRS, "what", is_required=True)), ("name", "options"))
ADD = Command(
    "add",
    "Add.",
    "add",
    (NAME, Property("cmd", LINE, "what", is_required=True), Property("start", BOOL, "now")),
    ("name", "cmd"),
)


class AskedError(Exception):
    """Carries what an arbiter would have been asked."""


def session() -> Session:
    class Recording(Session):
        def run(self, command: str, properties: Mapping[str, Any]) -> int:
            raise AskedError(command, dict(properties), self)

    return Recording(reach=Reach(environ={}), say=print, complain=print)


def asked(command: click.Command, *words: str) -> tuple[str, dict[str, Any], Session]:
    with pytest.raises(AskedError) as caught:
        command.main(list(words), standalone_mode=False, obj=session())
    return caught.value.args  # type: ignore[return-value]


def refused(command: click.Command, *words: str) -> click.UsageError:
    with pytest.raises(click.UsageError) as caught:
        command.main(list(words), standalone_mode=False, obj=session())
    return caught.value


@pytest.mark.parametrize(
    ("words", "command", "properties"),
    [
        (["reload", "web", "--terminate", "--waiting"], "reload", {"name": "web", "graceful": False, "waiting": True}),
        (["reload", "--seq"], "reload", {"sequential": True}),
        (["stop", "--match", "regex", "w.*"], "stop", {"name": "w.*", "match": "regex"}),
        (["stop", "--match=simple", "web"], "stop", {"name": "web", "match": "simple"}),
        (["incr", "web"], "incr", {"name": "web"}),
        (["incr", "web", "3", "--wait"], "incr", {"name": "web", "nb": 3, "waiting": True}),
        (["signal", "web", "HUP"], "signal", {"name": "web", "signum": "HUP"}),
        (["signal", "web", "12", "9", "--children"], "signal",
         {"name": "web", "pid": 12, "signum": "9", "children": True}),
        (["kill", "web", "12", "--signum", "QUIT", "--graceful_timeout", "2.5"], "kill",
         {"name": "web", "pid": 12, "signum": "QUIT", "graceful_timeout": 2.5}),
        (["stats", "--extended", "web", "12"], "stats", {"name": "web", "process": 12, "extended": True}),
        (["reloadconfig", "--dry-run"], "reloadconfig", {"dry_run": True}),
        (["get", "web", "cmd", "uid"], "get", {"name": "web", "keys": ("cmd", "uid")}),
    ],
)  # fmt: skip
def test_words_become_properties(words: list[str], command: str, properties: dict[str, Any]) -> None:
    assert asked(circusctl, *words)[:2] == (command, properties)


@pytest.mark.parametrize(
    "words",
    [
        ["--json", "--timeout", "9", "--endpoint", "tcp://h:1", "list"],
        ["list", "--json", "--timeout", "9", "--endpoint", "tcp://h:1"],
        ["--time=9", "--js", "list", "--end", "tcp://h:1"],
    ],
)
def test_general_flags_stand_before_the_command_or_behind_it(words: list[str]) -> None:
    _, properties, found = asked(circusctl, *words)
    assert properties == {}
    assert (found.is_json, found.reach.timeout_s, found.reach.endpoint) == (True, 9.0, "tcp://h:1")


def test_a_flag_behind_the_command_wins() -> None:
    found = asked(circusctl, "--ssh", "a@b", "--ssh_keyfile", "k", "--stack", "s", "list", "--ssh", "c@d:22")[2]
    assert (found.reach.ssh, found.reach.ssh_keyfile, found.reach.stack) == ("c@d:22", "k", "s")


@pytest.mark.parametrize(
    ("words", "options"),
    [
        (["web", "numprocesses", "3"], {"numprocesses": "3"}),
        (["web", "max_retry", "-1", "cmd", "python -m app"], {"max_retry": "-1", "cmd": "python -m app"}),
        (["--json", "web", "args", "--fast"], {"args": "--fast"}),
    ],
)
def test_options_are_set_in_pairs(words: list[str], options: dict[str, str]) -> None:
    assert asked(build_command(SET), *words)[1] == {"name": "web", "options": options}


@pytest.mark.parametrize(
    ("words", "cmd"),
    [
        (["web", "sleep 60"], "sleep 60"),
        (["web", "python", "-m", "http.server", "-b", "::1"], "python -m http.server -b ::1"),
        (["web", "sh", "-c", "echo a b"], "sh -c 'echo a b'"),
        (["web", "--", "prog", "--start"], "prog --start"),
    ],
)
def test_all_remaining_words_are_the_command_to_add(words: list[str], cmd: str) -> None:
    assert asked(build_command(ADD), *words)[1] == {"name": "web", "cmd": cmd}
    if "--" not in words:
        assert asked(build_command(ADD), "--start", *words)[1] == {"name": "web", "cmd": cmd, "start": True}


def test_wrong_words_have_the_exit_status_of_circus() -> None:
    assert refused(circusctl, "incr").exit_code == 1
    assert refused(circusctl, "incr", "web", "many").exit_code == 1
    assert refused(circusctl, "list", "a", "b").exit_code == 1
    assert refused(build_command(SET), "web", "numprocesses").exit_code == 1
    assert refused(build_command(ADD), "--strat", "web", "sleep").exit_code == 2
    assert refused(circusctl, "list", "--nope").exit_code == 2
    assert refused(circusctl, "--timeout", "soon", "list").exit_code == 2
    unknown = refused(circusctl, "statsu")
    assert unknown.exit_code == 2
    assert "Did you mean 'stats'?" in unknown.message


@pytest.mark.parametrize("flag", ["--ssh", "--endpoint", "--stack"])
def test_an_empty_place_is_refused(flag: str) -> None:
    assert "is empty" in refused(circusctl, flag, "", "quit").message
    assert "is empty" in refused(circusctl, "quit", flag, " ").message


def test_an_abbreviation_that_fits_several_options_is_refused() -> None:
    assert "--ss" in refused(circusctl, "--ss", "a@b", "list").message


def test_an_option_behind_the_command_is_not_taken_for_one_before_it() -> None:
    made = Abbreviating("x", params=[click.Option(["--stack"])])
    context = click.Context(made, allow_interspersed_args=False)
    made.parse_args(context, [])
    assert list(made._written_out(context, ["--st", "a", "add", "--st"])) == ["--stack", "a", "add", "--st"]
