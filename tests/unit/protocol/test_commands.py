"""Properties of commands: types, defaults, and the words of a command line."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circus_stack.errors import CommandError, Errno
from circus_stack.protocol.command import UsageError, assign_words, check_properties
from circus_stack.protocol.commands import COMMANDS
from tests.unit.protocol.test_codec import PLAIN

# The list of the issue that this was built for.
WANTED = {"list", "status", "numprocesses", "numwatchers", "start", "stop", "restart", "reload", "incr", "decr"}
WANTED |= {"signal", "kill", "options", "get", "stats", "dstats", "quit", "listsockets"}
WANTED |= {"globaloptions", "reloadconfig", "add", "rm", "set", "save", "jobs", "ipython"}


def test_the_commands_of_circus_are_there() -> None:
    assert COMMANDS.keys() >= WANTED


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself(name: str) -> None:
    command = COMMANDS[name]

    assert command.help.endswith(".")
    assert name in command.example.split()
    assert {each.name for each in command.properties} >= set(command.words)


def test_defaults_are_filled_in() -> None:
    assert check_properties(COMMANDS["incr"], {"name": "web"}) == {"name": "web", "nb": 1, "waiting": False}


def test_null_is_not_given() -> None:
    assert check_properties(COMMANDS["incr"], {"name": "web", "nb": None})["nb"] == 1


def test_unknown_properties_are_ignored() -> None:
    assert check_properties(COMMANDS["list"], {"colour": "red"}) == {"name": None}


def test_a_missing_property_is_told_in_the_words_of_circus() -> None:
    with pytest.raises(CommandError, match="message invalid 'name' is missing") as caught:
        check_properties(COMMANDS["incr"], {})

    assert caught.value.errno is Errno.MESSAGE_ERROR


@pytest.mark.parametrize(
    ("command", "given", "words"),
    [
        ("incr", {"name": 5}, "'name' must be a text, found 5"),
        ("incr", {"name": ""}, "'name' must be a text"),
        ("incr", {"name": "web", "nb": "x"}, "'nb' must be a whole number, -10000 to 10000, found 'x'"),
        ("incr", {"name": "web", "nb": 20_000_000}, "'nb' must be a whole number, -10000 to 10000, found 20000000"),
        ("incr", {"name": "web", "nb": True}, "'nb' must be"),
        ("incr", {"name": "web", "nb": 1.5}, "'nb' must be"),
        ("incr", {"name": "web", "nb": "9" * 5000}, "'nb' must be"),
        ("incr", {"name": "web", "waiting": "perhaps"}, "'waiting' must be true or false"),
        ("kill", {"name": "web", "pid": 0}, "'pid' must be a process id"),
        ("kill", {"name": "web", "pid": -1}, "'pid' must be a process id"),
        ("kill", {"name": "web", "pid": 2**31}, "'pid' must be a process id"),
        ("kill", {"name": "web", "graceful_timeout": "inf"}, "'graceful_timeout' must be"),
        ("get", {"name": "web", "keys": [1]}, "'keys' must be a list of texts"),
        ("start", {"name": "web", "match": "fuzzy"}, "'match' must be simple, glob or regex, found 'fuzzy'"),
    ],
)
def test_a_wrong_value_is_told_with_what_would_be_right(command: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(CommandError) as caught:
        check_properties(COMMANDS[command], given)

    assert words in str(caught.value)
    assert caught.value.errno is Errno.MESSAGE_ERROR


def test_numbers_may_come_as_text() -> None:
    found = check_properties(COMMANDS["kill"], {"name": "web", "pid": "12", "signum": 9, "graceful_timeout": "0.5"})

    assert (found["pid"], found["signum"], found["graceful_timeout"]) == (12, "9", 0.5)


def test_one_key_may_come_alone() -> None:
    assert check_properties(COMMANDS["get"], {"name": "web", "keys": "cmd"})["keys"] == ("cmd",)


@pytest.mark.parametrize("spelling", ["childpid", "child_pid"])
def test_both_spellings_of_childpid_are_understood(spelling: str) -> None:
    found = check_properties(COMMANDS["signal"], {"name": "web", "signum": "HUP", "pid": 1, spelling: 2})

    assert found["childpid"] == 2


@given(
    st.sampled_from(sorted(COMMANDS)),
    st.dictionaries(st.sampled_from(["name", "pid", "nb", "keys", "signum", "waiting"]), PLAIN),
)
def test_any_properties_are_checked_or_refused(name: str, given: dict[str, Any]) -> None:
    try:
        check_properties(COMMANDS[name], given)
    except CommandError as error:
        assert error.errno is Errno.MESSAGE_ERROR


@pytest.mark.parametrize(
    ("command", "words", "properties"),
    [
        ("list", [], {}),
        ("list", ["web"], {"name": "web"}),
        ("incr", ["web", "2"], {"name": "web", "nb": 2}),
        ("signal", ["web", "TERM"], {"name": "web", "signum": "TERM"}),
        ("signal", ["web", "12", "TERM"], {"name": "web", "pid": 12, "signum": "TERM"}),
        ("get", ["web", "cmd", "env"], {"name": "web", "keys": ("cmd", "env")}),
        ("stats", ["web", "12"], {"name": "web", "process": 12}),
    ],
)
def test_words_become_properties(command: str, words: list[str], properties: dict[str, Any]) -> None:
    assert assign_words(COMMANDS[command], words) == properties


@pytest.mark.parametrize(
    ("command", "words"),
    [("incr", []), ("signal", ["web"]), ("list", ["a", "b"]), ("get", ["web"]), ("dstats", ["x"])],
)
def test_too_few_or_too_many_words_are_refused(command: str, words: list[str]) -> None:
    with pytest.raises(UsageError, match="Invalid number of arguments"):
        assign_words(COMMANDS[command], words)


def test_a_wrong_word_is_told() -> None:
    with pytest.raises(CommandError, match="'nb' must be a whole number"):
        assign_words(COMMANDS["incr"], ["web", "many"])
