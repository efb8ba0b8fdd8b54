"""Heads of responses: what is remembered of them, and what is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chaussette.backends.fastgevent import head

Key = tuple[str, tuple[tuple[str, str], ...]]


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    for known in (head.heads, head.lines, head._seen):
        known.clear()
    yield
    for known in (head.heads, head.lines, head._seen):
        known.clear()


def come(key: Key) -> None:
    """As the server does with each response that it doesn't know."""
    for header in key[1]:
        head.header_line(header)
    head.learn_head(key)


def test_what_comes_twice_is_known() -> None:
    key: Key = ("200 OK", (("Content-Type", "text/plain"), ("Content-Length", "10")))
    come(key)
    assert key not in head.heads
    come(key)
    assert head.heads[key] == (b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n", 10)


def test_nothing_is_kept_of_what_came_once_or_is_private() -> None:
    for number in range(2000):
        come(("200 OK", (("X-Number", str(number)),)))
    assert not head.heads
    assert len(head._seen) <= 1024
    secret: Key = ("200 OK", (("Set-Cookie", "session=1"),))
    for _ in range(3):
        come(secret)
    assert not head.heads
    assert secret[1][0] not in head.lines


@pytest.mark.parametrize("length", ["1_0", "+5", " 5", "\xb2", ""])
def test_a_length_that_is_no_plain_number_is_not_sent_as_it_is(length: str) -> None:
    key: Key = ("200 OK", (("Content-Length", length),))
    come(key)
    come(key)
    assert key not in head.heads
