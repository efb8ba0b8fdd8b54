"""Trailers under fastgevent: dropped, and bounded as a head is, whatever the pieces that they come in."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chaussette.backends.fastgevent.gone import ClientGoneError
from chaussette.backends.fastgevent.known import Known
from chaussette.backends.fastgevent.limits import Limits
from chaussette.backends.fastgevent.parser import Parser

LIMITS = Limits(headers=5, head=200)
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
BEHIND = b"GET /behind HTTP/1.1\r\nHost: x\r\n\r\n"


def in_pieces(wire: bytes, sizes: list[int]) -> Parser:
    parser = Parser(Known({}, 8190), LIMITS, {})
    at = 0
    for size in [*sizes, len(wire)]:
        if wire[at : at + size]:
            parser.feed(wire[at : at + size])
        at += size
    return parser


def outcome(parser: Parser) -> tuple[int | None, list[str]]:
    """(the status of the refusal, the paths of the requests)."""
    refused = None if parser.failure is None else parser.failure.status
    return refused, [request.environ["PATH_INFO"] for request in parser.requests]


NAMES = st.text("abcXYZ-9", min_size=1, max_size=12)
TRAILERS = st.lists(st.tuples(NAMES, st.integers(0, 110)), max_size=8)
BODIES = st.lists(st.binary(min_size=1, max_size=20), max_size=4)


@given(BODIES, TRAILERS, st.lists(st.integers(1, 60), max_size=40))
@example([], [("A", 1)] * 1500, [])
@example([], [("A", 9000)], [])
@example([], [("A", 9000)], [7] * 300)
@example([b"abc"], [("A", 9000)], [len(CHUNKED), 8, 3])
def test_the_same_trailers_are_served_or_refused_in_any_pieces(
    body: list[bytes], trailers: list[tuple[str, int]], sizes: list[int]
) -> None:
    lines = [name.encode() + b": " + b"v" * length + b"\r\n" for name, length in trailers]
    chunks = [b"%x;a=b\r\n%b\r\n" % (len(piece), piece) for piece in body]
    wire = CHUNKED + b"".join([*chunks, b"0\r\n", *lines, b"\r\n", BEHIND])
    parser = in_pieces(wire, sizes)
    if len(lines) > LIMITS.headers or len(b"".join(lines)) > LIMITS.head:
        assert outcome(parser) == (431, ["/"])
        # Whoever reads the body learns that it is none.
        with pytest.raises(ClientGoneError):
            parser.requests[0].environ["wsgi.input"].read()
    else:
        assert outcome(parser) == (None, ["/", "/behind"])
        assert parser.requests[0].environ["wsgi.input"].read() == b"".join(body)
        assert {key for key in parser.requests[0].environ if key.startswith("HTTP_")} == {"HTTP_HOST"}


@pytest.mark.parametrize("endless", [b"a", b"A: b\r\n", b" " * 10], ids=["a name", "trailers", "blanks"])
def test_trailers_without_an_end_are_not_kept(endless: bytes) -> None:
    parser = Parser(Known({}, 8190), LIMITS, {})
    parser.feed(CHUNKED + b"3\r\nabc\r\n0\r\nA:b")
    for fed in range(0, 300, len(endless)):
        parser.feed(endless)
        if parser.failure is not None:
            assert fed <= LIMITS.head + len(endless) + 2
            break
    assert outcome(parser)[0] in (400, 431)


def test_small_chunks_are_no_trailers() -> None:
    parser = Parser(Known({}, 8190), LIMITS, {})
    parser.feed(CHUNKED)
    for _ in range(500):
        for piece in (b"1;an=extension", b"\r\n", b"x", b"\r\n"):
            parser.feed(piece)
    parser.feed(b"0\r\n\r\n" + BEHIND)
    assert outcome(parser) == (None, ["/", "/behind"])
    assert parser.requests[0].environ["wsgi.input"].read() == b"x" * 500
