"""What a message gives is bounded: no text of it can keep the arbiter's loop busy, or could be given to a process."""

from __future__ import annotations

from typing import Any

import pytest

from circus_stack.config.dialect import CIRCUS
from circus_stack.config.runtime import change_option, watcher_from_options
from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import CommandError
from circus_stack.literals import MAX_LINE, MAX_NAME, MAX_TEXT
from circus_stack.protocol.command import check_properties
from circus_stack.protocol.commands import COMMANDS


@pytest.mark.parametrize(
    ("key", "value", "most"),
    [
        ("cmd", "z" * (MAX_LINE + 1), MAX_LINE),
        ("args", ["z"] * MAX_LINE, MAX_LINE),
        ("ready", "exec:" + "z" * MAX_LINE, MAX_LINE),
        ("env", {"A": "z" * (MAX_TEXT + 1)}, MAX_TEXT),
        ("stdout_stream.filename", "z" * (MAX_TEXT + 1), MAX_TEXT),
    ],
)
def test_a_value_that_is_too_long_is_refused_with_what_is_legal(key: str, value: object, most: int) -> None:
    with pytest.raises(ValueError, match=f"legal: {most} characters at most") as refused:
        change_option(WatcherConfig(name="w", cmd="cat"), key, value)

    assert len(str(refused.value)) < 400


def test_the_longest_line_is_taken() -> None:
    assert watcher_from_options("w", "z" * MAX_LINE, "", {}, CIRCUS).cmd == "z" * MAX_LINE


@pytest.mark.parametrize(
    ("name", "value", "most"),
    [
        ("name", "ä" * (MAX_NAME // 2 + 1), MAX_NAME),
        ("cmd", "z" * (MAX_LINE + 1), MAX_LINE),
        ("args", ["z"] * MAX_LINE, MAX_LINE),
    ],
)
def test_add_refuses_what_is_too_long_before_it_looks_at_it(name: str, value: Any, most: int) -> None:
    with pytest.raises(CommandError, match=f"{name}.*{most}.*at most"):
        check_properties(COMMANDS["add"], {"name": "w", "cmd": "cat", name: value})
