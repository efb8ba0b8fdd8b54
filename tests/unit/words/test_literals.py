"""What files, flags and messages may write for a plain value, once for all of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circus_stack.config import kinds
from circus_stack.errors import CommandError
from circus_stack.literals import parse_bool, parse_seconds, parse_whole
from circus_stack.protocol.command import check_properties
from circus_stack.protocol.commands import COMMANDS


@pytest.mark.parametrize("text", ["yes", "TRUE", " on ", "1", "no", "False", "OFF", "0"])
def test_a_file_and_a_message_agree_on_booleans(text: str) -> None:
    found = check_properties(COMMANDS["start"], {"waiting": text})["waiting"]

    assert found is kinds.BOOL.parse(text) is parse_bool(text)


def test_the_bounds_of_a_whole_number_belong_to_it() -> None:
    assert [parse_whole(each, 1, 3) for each in ("1", " 2", 3)] == [1, 2, 3]
    for bad in ("0", "4", "1.5", "", "x", 4):
        with pytest.raises(ValueError):
            parse_whole(bad, 1, 3)


@given(st.text() | st.floats() | st.integers())
def test_seconds_are_finite_or_refused(value: str | float) -> None:
    try:
        assert 0 <= parse_seconds(value) < float("inf")
    except ValueError:
        pass


def test_a_number_that_no_float_holds_is_refused_in_a_message() -> None:
    with pytest.raises(CommandError, match="'graceful_timeout' must be a number of seconds"):
        check_properties(COMMANDS["kill"], {"name": "web", "graceful_timeout": 10**400})
