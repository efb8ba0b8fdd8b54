"""Whole lines out of any chunks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circus_stack.streams.block import MAX_LINE, Block, Origin, split_lines
from circus_stack.streams.framing import LineFramer

ORIGIN = Origin("web", 1, 10, "stdout")


def test_holds_back_a_line_until_it_ends() -> None:
    framer = LineFramer()
    assert framer.feed(b"one\ntw") == b"one\n"
    assert framer.feed(b"o") == b""
    assert framer.feed(b"\nthree\n") == b"two\nthree\n"
    assert framer.flush() == b""


def test_flush_gives_the_line_that_never_ended() -> None:
    framer = LineFramer()
    framer.feed(b"last words")
    assert framer.flush() == b"last words"
    assert framer.flush() == b""


def test_a_carriage_return_before_the_newline_stays() -> None:
    assert LineFramer().feed(b"dos\r\n") == b"dos\r\n"


def test_a_line_past_the_limit_is_passed_on_unfinished() -> None:
    framer = LineFramer(limit=10)
    assert framer.feed(b"12345") == b""
    assert framer.feed(b"67890") == b"1234567890"
    assert framer.feed(b"end\n") == b"end\n"


def test_what_follows_whole_lines_may_be_past_the_limit() -> None:
    framer = LineFramer(limit=10)
    assert framer.feed(b"short\nlong long long") == b"short\nlong long long"


def test_a_terabyte_without_newline_is_never_collected() -> None:
    framer = LineFramer()
    passed_on = 0
    for number in range(1, 101):
        passed_on += len(framer.feed(b"x" * 50_000))
        assert number * 50_000 - passed_on < MAX_LINE


@given(st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\x00", b"\n")), max_size=30))
def test_no_byte_is_lost_or_moved(chunks: list[bytes]) -> None:
    framer = LineFramer(limit=64)
    parts = [framer.feed(chunk) for chunk in chunks]
    assert b"".join([*parts, framer.flush()]) == b"".join(chunks)


@given(st.lists(st.sampled_from([b"a", b"bb\n", b"\n", b"c\nd"]), max_size=50))
def test_every_part_ends_a_line_below_the_limit(chunks: list[bytes]) -> None:
    framer = LineFramer(limit=1000)
    for chunk in chunks:
        part = framer.feed(chunk)
        assert not part or part.endswith(b"\n")


def test_lines_of_a_block_have_no_newline() -> None:
    assert Block(ORIGIN, 1.0, b"a\n\nb\n").lines() == [b"a", b"", b"b"]
    assert Block(ORIGIN, 1.0, b"a\nb").lines() == [b"a", b"b"]
    assert Block(ORIGIN, 1.0, b"\n").lines() == [b""]


def test_no_piece_is_longer_than_the_limit() -> None:
    line = b"x" * (2 * MAX_LINE + 5)
    assert [len(piece) for piece in split_lines(b"a\n" + line + b"\nb\n")] == [1, MAX_LINE, MAX_LINE, 5, 1]


def test_count_of_lines_includes_the_open_one() -> None:
    assert Block(ORIGIN, 1.0, b"a\nb\n").count_lines() == 2
    assert Block(ORIGIN, 1.0, b"a\nb").count_lines() == 2
    assert Block(ORIGIN, 1.0, b"a\nb").is_open
    assert not Block(ORIGIN, 1.0, b"a\n").is_open
