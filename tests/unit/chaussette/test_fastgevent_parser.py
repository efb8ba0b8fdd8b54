"""From bytes to requests: whatever the pieces, whatever was meant to deceive."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaussette.backends.fastgevent.known import Known
from chaussette.backends.fastgevent.limits import Limits
from chaussette.backends.fastgevent.parser import Parser, Request

BASE: dict[str, Any] = {"SERVER_NAME": "here"}
OWN: dict[str, Any] = {"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "4711"}


def parsed(*pieces: bytes, limits: Limits | None = None) -> tuple[Parser, list[Request]]:
    parser = Parser(Known(BASE, 8190), limits or Limits(), OWN)
    for piece in pieces:
        parser.feed(piece)
    return parser, parser.requests


def one(data: bytes) -> dict[str, Any]:
    parser, requests = parsed(data)
    assert parser.failure is None, parser.failure
    (request,) = requests
    return request.environ


def status(data: bytes, limits: Limits | None = None) -> int | None:
    parser, _requests = parsed(data, limits=limits)
    return None if parser.failure is None else parser.failure.status


def test_a_head_becomes_an_environ() -> None:
    environ = one(
        b"GET /caf%C3%A9/x?a=b%20c HTTP/1.1\r\nHost: app.example:80\r\nX-Two-Words:  v \t\r\nAccept: a\r\nAccept: b\r\n"
        b"Cookie: a=1\r\nCookie: b=2\r\nContent-Type: text/plain\r\n\r\n"
    )
    found = {key: value for key, value in environ.items() if key not in BASE | OWN and key != "wsgi.input"}
    assert found == {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/caf\xc3\xa9/x",
        "QUERY_STRING": "a=b%20c",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "app.example:80",
        "HTTP_X_TWO_WORDS": "v",
        "HTTP_ACCEPT": "a, b",
        "HTTP_COOKIE": "a=1; b=2",
        "CONTENT_TYPE": "text/plain",
    }
    assert environ["wsgi.input"].read() == b""


def test_an_absolute_target_names_the_host() -> None:
    environ = one(b"GET http://other.example/p?q HTTP/1.1\r\nHost: app.example\r\n\r\n")
    assert (environ["HTTP_HOST"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ("other.example", "/p", "q")
    assert one(b"GET https://other.example HTTP/1.1\r\nHost: x\r\n\r\n")["PATH_INFO"] == "/"
    assert one(b"GET http://other.example?q HTTP/1.1\r\nHost: x\r\n\r\n")["QUERY_STRING"] == "q"


def test_names_that_would_pass_for_another_are_dropped() -> None:
    environ = one(
        b"GET / HTTP/1.1\r\nHost: x\r\nX_Forwarded_For: 1\r\nProxy: http://evil\r\nX-Forwarded-For: 2\r\n\r\n"
    )
    assert environ["HTTP_X_FORWARDED_FOR"] == "2"
    assert "HTTP_PROXY" not in environ


POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        b"GET /a HTTP/1.1\nHost: x\n\n",
        b"GET /a HTTP/1.1\r\nHost: x\rY: z\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x\nY: z\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET /a HTTP/1.1\r\n Host: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHo(st: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\n: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x/y\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: u@x\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: x y\r\n\r\n",
        b"GET http://u@h/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET ftp://h/ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /a HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /a HTTP/1.2\r\nHost: x\r\n\r\n",
        b"GET /a HTTP/1.10\r\nHost: x\r\n\r\n",
        b"GET /a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"get /a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"FOO /a HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        POST + b"Content-Length: 3, 3\r\n\r\nabc",
        POST + b"Content-Length: +3\r\n\r\nabc",
        POST + b"Content-Length: -3\r\n\r\nabc",
        POST + b"Content-Length: 0x3\r\n\r\nabc",
        POST + b"Content-Length: 3_0\r\n\r\nabc",
        POST + b"Content-Length: \r\n\r\nabc",
        POST + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: identity\r\n\r\nabc",
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3;a\rb\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3;a\nabc\r\n0\r\n\r\n",
        CHUNKED + b"0x3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"-3\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3 \r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabcd\r\n0\r\n\r\n",
        CHUNKED + b"3\nabc\r\n0\r\n\r\n",
        CHUNKED + b"ffffffffffffffffff\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabc\r\n0\r\nBad Name: x\r\n\r\n",
    ],
)
def test_what_might_deceive_is_refused_and_nothing_behind_it_is_a_request(data: bytes) -> None:
    behind = b"GET /behind HTTP/1.1\r\nHost: x\r\n\r\n"
    parser, requests = parsed(data, behind)
    assert parser.failure is not None
    assert parser.failure.status == 400
    assert not any(request.environ["PATH_INFO"] == "/behind" for request in requests)


def test_limits_have_statuses_of_their_own() -> None:
    limits = Limits(target=20, headers=3, head=200, body=5)
    assert status(b"GET /" + b"a" * 19 + b" HTTP/1.1\r\nHost: x\r\n\r\n", limits) is None
    assert status(b"GET /" + b"a" * 20 + b" HTTP/1.1\r\nHost: x\r\n\r\n", limits) == 414
    assert status(b"GET /" + b"a" * 20, limits) == 414
    assert status(b"GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\n\r\n", limits) is None
    assert status(b"GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits) == 431
    assert status(b"GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nA: 2\r\nA: 3\r\n\r\n", limits) == 431
    assert status(b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 300 + b"\r\n\r\n", limits) == 431
    assert status(POST + b"Content-Length: 5\r\n\r\n12345", limits) is None
    assert status(POST + b"Content-Length: 6\r\n\r\n", limits) == 413
    assert status(CHUNKED + b"5\r\n12345\r\n1\r\n6\r\n0\r\n\r\n", limits) == 413
    assert status(POST + b"Expect: a miracle\r\nContent-Length: 1\r\n\r\n", limits) == 417


def test_a_head_that_never_ends_is_not_kept() -> None:
    parser = Parser(Known(BASE, 8190), Limits(head=1000), OWN)
    parser.feed(b"GET / HTTP/1.1\r\nHost: x\r\n")
    for number in range(300):
        parser.feed(b"H%d: v\r\n" % number)
    assert parser.failure is not None
    assert parser.failure.status == 431


def test_a_malformed_request_spares_those_before_it() -> None:
    parser, requests = parsed(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost : x\r\n\r\n")
    assert [request.environ["PATH_INFO"] for request in requests] == ["/1"]
    assert parser.failure is not None


def test_trailers_are_dropped() -> None:
    environ = one(CHUNKED + b"3\r\nabc\r\n0\r\nX-Admin: yes\r\nHost: evil\r\n\r\n")
    assert "HTTP_X_ADMIN" not in environ
    assert environ["HTTP_HOST"] == "x"
    assert environ["wsgi.input"].read() == b"abc"


# -- properties -------------------------------------------------------------------------------------------------------

TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ-09", min_size=1, max_size=12)
VALUES = st.binary(max_size=30).map(lambda data: re.sub(rb"[\x00-\x08\x0a-\x1f\x7f]", b"", data).strip(b" \t"))
BODIES = st.one_of(st.none(), st.binary(max_size=60), st.lists(st.binary(min_size=1, max_size=20), max_size=4))


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, str, bytes]:
    """A valid request, its path and its body."""
    path = "/" + draw(st.text("abcxyz/._~-", max_size=20))
    names = draw(st.lists(TOKENS, max_size=5, unique_by=str.lower))
    lines = [b"Host: app.example"]
    lines += [b"X-" + name.encode() + b": " + draw(VALUES) for name in names]
    body = draw(BODIES)
    raw = b""
    if isinstance(body, bytes):
        lines.append(b"Content-Length: %d" % len(body))
        raw = body
    elif body is not None:
        lines.append(b"Transfer-Encoding: chunked")
        raw = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in body) + b"0\r\n\r\n"
    head = b"POST %b HTTP/1.1\r\n" % path.encode() + b"\r\n".join(lines) + b"\r\n\r\n"
    return head + raw, path, b"".join(body) if isinstance(body, list) else body or b""


@given(st.lists(messages(), min_size=1, max_size=4), st.lists(st.integers(1, 40), max_size=30))
def test_valid_requests_are_the_same_in_any_pieces(sent: list[tuple[bytes, str, bytes]], sizes: list[int]) -> None:
    wire = b"".join(raw for raw, _path, _body in sent)
    pieces, at = [], 0
    for size in sizes:
        pieces.append(wire[at : at + size])
        at += size
    pieces.append(wire[at:])
    parser, requests = parsed(*(piece for piece in pieces if piece))
    assert parser.failure is None, parser.failure
    assert not parser.has_begun
    _whole, expected = parsed(wire)
    assert [request.environ["PATH_INFO"] for request in requests] == [path for _raw, path, _body in sent]
    for request, other, (_raw, _path, body) in zip(requests, expected, sent, strict=True):
        assert request.environ["wsgi.input"].read() == body
        assert {k: v for k, v in request.environ.items() if k != "wsgi.input"} == {
            k: v for k, v in other.environ.items() if k != "wsgi.input"
        }


@given(messages(), st.data())
def test_mutations_are_served_or_refused_never_anything_else(
    message: tuple[bytes, str, bytes], data: st.DataObject
) -> None:
    wire = bytearray(message[0])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(wire) - 1))
        wire[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
        if not wire:
            return
    parser, requests = parsed(bytes(wire))
    for request in requests:
        environ = request.environ
        assert environ["PATH_INFO"].startswith("/")
        assert environ["SERVER_PROTOCOL"] in ("HTTP/1.0", "HTTP/1.1")
        assert all("\r" not in value and "\n" not in value for value in environ.values() if isinstance(value, str))
    if parser.failure is not None:
        before = len(requests)
        parser.feed(b"GET /behind HTTP/1.1\r\nHost: x\r\n\r\n")
        assert len(requests) == before


# -- header blocks that have come before ------------------------------------------------------------------------------

GET = b"GET /one?a=b HTTP/1.1\r\n"
BLOCK = b"Host: x\r\nAccept: */*\r\nA_B: dropped\r\nCookie: a=1\r\nCookie: b=2\r\n\r\n"


def knowing(block: bytes, limits: Limits | None = None) -> tuple[Parser, Known]:
    """A parser for which the block is known, as far as it can be."""
    known = Known(BASE, 8190)
    for _ in range(3):
        parser = Parser(known, limits or Limits(), OWN)
        parser.feed(GET + block)
    parser.requests.clear()
    return parser, known


def is_known(known: Known, data: bytes) -> bool:
    return known.environ(data, OWN) is not None


def test_what_is_known_makes_the_same_request_as_llhttp() -> None:
    parser, known = knowing(BLOCK)
    for line in (GET, b"HEAD /%7Etwo HTTP/1.1\r\n", b"DELETE /three?x HTTP/1.1\r\n"):
        assert is_known(known, line + BLOCK)
        parser.feed(line + BLOCK)
        _fresh, expected = parsed(line + BLOCK)
        [request] = parser.requests
        assert request.environ == expected[0].environ
        assert request.is_head == expected[0].is_head
        assert not parser.has_begun
        parser.requests.clear()


def test_a_known_block_never_changes_by_what_an_application_does() -> None:
    parser, _known = knowing(BLOCK)
    for _ in range(2):
        parser.feed(GET + BLOCK)
        environ = parser.requests.pop().environ
        assert environ["HTTP_ACCEPT"] == "*/*"
        environ["HTTP_ACCEPT"] = "changed"
        environ["PATH_INFO"] = "/changed"
    assert not parser.requests


@pytest.mark.parametrize(
    "block",
    [
        b"Host: x\r\nConnection: close\r\n\r\n",
        b"Host: x\r\nContent-Length: 0\r\n\r\n",
        b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"Host: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
        b"Host: x\r\nExpect: 100-continue\r\n\r\n",
        b"Host : x\r\n\r\n",
        b"Host: x\r\n folded\r\n\r\n",
        b"Host: x\r\nHost: y\r\n\r\n",
        b"A: b\r\n\r\n",
        b"Host: x\r\n\r\n" + GET + BLOCK,
        b"Host: x\r\n",
        b"Host: x\r\nA: " + b"a" * 3000 + b"\r\n\r\n",
    ],
)
def test_blocks_that_say_more_are_never_known(block: bytes) -> None:
    _parser, known = knowing(block)
    assert not is_known(known, GET + block)


@pytest.mark.parametrize(
    "line",
    [
        b"POST / HTTP/1.1\r\n",
        b"GET / HTTP/1.0\r\n",
        b"GET http://x/ HTTP/1.1\r\n",
        b"GET /#a HTTP/1.1\r\n",
        b"GET /\x00 HTTP/1.1\r\n",
        b"GET /\xe9 HTTP/1.1\r\n",
        b"GET  / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\n",
        b"\r\nGET / HTTP/1.1\r\n",
        b"GET /" + b"a" * 8190 + b" HTTP/1.1\r\n",
    ],
)
def test_below_any_other_line_a_known_block_is_llhttps_affair(line: bytes) -> None:
    _parser, known = knowing(BLOCK)
    assert not is_known(known, line + BLOCK)
    for data in (GET + BLOCK + b"GET", GET + BLOCK[:-2], GET + BLOCK + GET + BLOCK):
        assert not is_known(known, data)


@pytest.mark.parametrize("last", [b"Connection: close\r\n", b"Content-Length: 3\r\n", b"Bad : x\r\n"])
def test_nothing_known_counts_behind_the_last_request(last: bytes) -> None:
    parser, _known = knowing(BLOCK)
    parser.feed(b"POST / HTTP/1.1\r\nHost: x\r\n" + last + b"\r\n")
    before = len(parser.requests)
    parser.feed(GET + BLOCK)
    assert len(parser.requests) == before


def test_what_is_kept_of_known_blocks_is_bounded() -> None:
    known = Known(BASE, 8190)
    parser = Parser(known, Limits(), OWN)
    for number in range(3000):
        for _ in range(3):
            parser.feed(b"GET /%d HTTP/1.1\r\nHost: x\r\nA: %d\r\n\r\n" % (number, number))
    assert len(known) <= 256 + 1024 + 1024


@given(st.lists(messages(), min_size=1, max_size=4))
def test_what_came_before_changes_no_request(sent: list[tuple[bytes, str, bytes]]) -> None:
    known = Known(BASE, 8190)
    gets = [raw.replace(b"POST ", b"GET ", 1) for raw, _path, body in sent if not body]
    for raw in [*gets, *gets, *gets]:
        _fresh, expected = parsed(raw)
        parser = Parser(known, Limits(), OWN)
        parser.feed(raw)
        found = [{k: v for k, v in each.environ.items() if k != "wsgi.input"} for each in parser.requests]
        assert found == [{k: v for k, v in each.environ.items() if k != "wsgi.input"} for each in expected]
