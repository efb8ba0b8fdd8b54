"""The page of commands is made from the table, and tells of each command what it answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from circus_stack.protocol.commands import COMMANDS
from circus_stack.protocol.reference import BEGIN, END, put_into
from circus_stack.protocol.replies import REPLIES

PAGE = Path(__file__).parents[3] / "docs" / "control.md"


def test_the_page_is_up_to_date() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert page == put_into(page), "python -m circus_stack.protocol.reference"


def test_each_command_is_there_with_its_properties_and_its_reply() -> None:
    made = put_into(f"{BEGIN}{END}")

    assert REPLIES.keys() == COMMANDS.keys()
    for command in COMMANDS.values():
        block = made.partition(f"### {command.name}\n")[2].partition("###")[0]
        assert command.example in block
        assert REPLIES[command.name] in block
        assert all(f"`{each.name}`" in block for each in command.properties)


def test_a_page_without_its_place_is_refused() -> None:
    with pytest.raises(ValueError, match="has no part between"):
        put_into("nothing")
