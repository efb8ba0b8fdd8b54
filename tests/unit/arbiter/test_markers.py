"""The variable that a process and its descendants are known by."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circus_stack.arbiter.marker import Marker, new_token, parse_markers


@given(st.text(), st.text(), st.integers(0, 10_000))
def test_what_is_written_is_read_back(instance, watcher, wid):
    marker = Marker(instance, watcher, wid, new_token())
    assert parse_markers(str(marker)) == (marker,)
    assert not set(str(marker)) & set(" \0\n")


def test_an_arbiter_under_an_arbiter_adds_its_own():
    outer, inner = Marker("out", "circusd", 1, "aa"), Marker("in", "Big One/2", 3, "bb")
    assert parse_markers(f"{outer} {inner}") == (outer, inner)


def test_what_is_no_marker_is_left_out():
    assert parse_markers("") == ()
    assert parse_markers("a/b/c/d x a/b/1 a/b/1/ a/b/²/d") == ()


def test_no_two_tokens_are_the_same():
    assert len({new_token() for _ in range(1000)}) == 1000
