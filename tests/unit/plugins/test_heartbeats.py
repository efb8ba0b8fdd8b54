"""Signs of life, and datagrams that are none."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circus_stack.plugins.heartbeats import Heartbeats, parse_pid

PATTERN = re.compile(r"^(?P<pid>.*);(?P<timestamp>.*)$")


def test_pid_of_a_sign_of_life():
    assert parse_pid(PATTERN, b"4711;1700000000.5") == 4711


@pytest.mark.parametrize(
    "data",
    [b"", b";", b"x;1", b"-1;1", b"0;1", b"4711", b"\xff\xfe;1", "٣;1".encode(), b"9" * 1000 + b";1", b"2147483648;1"],
)
def test_what_is_none(data):
    assert parse_pid(PATTERN, data) is None


@given(st.binary(max_size=1024))
def test_nothing_that_comes_raises(data):
    pid = parse_pid(PATTERN, data)

    assert pid is None or 0 < pid < 2**31


def test_a_group_that_took_no_part_is_no_pid():
    assert parse_pid(re.compile(r"(?P<pid>\d+)?x"), b"x") is None


def test_who_is_silent_is_told_once():
    beats = Heartbeats()
    beats.expect(1, "web", 0)
    beats.expect(2, "job", 0)

    assert beats.beat(1, 10)
    assert beats.silent_since(5) == [(2, "job")]
    assert beats.silent_since(5) == []


def test_a_stranger_is_not_listened_to():
    beats = Heartbeats()

    assert not beats.beat(99, 1)
    assert len(beats) == 0


def test_to_expect_somebody_again_is_no_sign_of_life():
    beats = Heartbeats()
    beats.expect(1, "web", 0)
    beats.expect(1, "web", 10)

    assert beats.silent_since(5) == [(1, "web")]


def test_the_gone_are_forgotten():
    beats = Heartbeats()
    for pid in (1, 2, 3):
        beats.expect(pid, "web", 0)
    beats.forget(1)
    beats.forget(99)
    beats.keep([2])

    assert beats.silent_since(1) == [(2, "web")]
