"""Command lines are split as the standard library splits them, and long ones as fast as short ones."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circus_stack.config.words import split


def by_the_standard_library(text: str) -> list[str] | None:
    try:
        return shlex.split(text)
    except ValueError:
        return None


def ours(text: str) -> list[str] | None:
    try:
        return split(text)
    except ValueError:
        return None


@given(st.text(alphabet="a#é \t\n\r\x0b\xa0'\"\\", max_size=40))
def test_any_text_is_split_as_the_standard_library_splits_it(text: str) -> None:
    assert ours(text) == by_the_standard_library(text)


@pytest.mark.parametrize(("text", "said"), [("a 'b", "quotation"), ('a "b\\"', "quotation"), ("a\\", "escaped")])
def test_what_is_left_open_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        split(text)


@pytest.mark.parametrize("word", ["z", "\\z", "''z", '"z\\""', "'z' "])
def test_a_long_line_is_split_at_once(word: str) -> None:
    """A million characters take the standard library's splitter many seconds."""
    count = 1_000_000 // len(word)

    assert sum(map(len, split(word * count))) in (count, 2 * count)
