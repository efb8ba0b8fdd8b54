"""A request body ends where its Content-Length says."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from chaussette.backends.body import LimitedInput
from chaussette.backends.wsgiref_handler import content_length

CALLS = st.lists(st.tuples(st.sampled_from(["read", "readline"]), st.one_of(st.none(), st.integers(-1, 40))))


def test_reading_stops_at_the_length():
    source = io.BytesIO(b"abcdefNEXT")
    body = LimitedInput(source, 6)
    assert (body.read(2), body.read(0), body.read(), body.read()) == (b"ab", b"", b"cdef", b"")
    assert source.read() == b"NEXT"


def test_lines():
    assert LimitedInput(io.BytesIO(b"a\nbb\nccNEXT"), 7).readlines() == [b"a\n", b"bb\n", b"cc"]
    assert LimitedInput(io.BytesIO(b"a\nbb\ncc"), 7).readlines(1) == [b"a\n"]
    assert list(LimitedInput(io.BytesIO(b"a\nb"), 3)) == [b"a\n", b"b"]


def test_a_body_that_breaks_off_ends():
    body = LimitedInput(io.BytesIO(b"ab"), 10)
    assert (body.read(), body.read(), body.readlines()) == (b"ab", b"", [])


def test_discard_reads_a_small_rest_only():
    small, large = io.BytesIO(b"x" * 10), io.BytesIO(b"x" * 10)
    LimitedInput(small, 10).discard(10)
    LimitedInput(large, 10).discard(9)
    assert (small.tell(), large.tell()) == (10, 0)


@given(st.binary(max_size=60), st.integers(0, 60), CALLS)
def test_behaves_as_a_file_of_that_length(data, length, calls):
    body, model = LimitedInput(io.BytesIO(data), length), io.BytesIO(data[:length])
    for name, size in calls:
        assert getattr(body, name)(size) == getattr(model, name)(size)
    assert body.read() == model.read()


def test_content_length():
    assert [content_length(each) for each in (None, "", "12", "-1", "x")] == [0, 0, 12, 0, 0]
