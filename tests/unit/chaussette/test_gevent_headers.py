"""Heads under gevent: what is valid becomes the environ that fastgevent makes of it, all else is refused."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chaussette.backends.fastgevent.known import Known
from chaussette.backends.fastgevent.limits import Limits
from chaussette.backends.fastgevent.parser import Parser
from chaussette.backends.fastgevent.refusal import RequestRefusedError
from chaussette.backends.gevent_headers import Headers, check_request_line
from chaussette.settings import Settings

SETTINGS = Settings()
SMALL = replace(SETTINGS, max_headers=5, max_head_size=120)
VERSIONS = st.sampled_from(["1.0", "1.1"])
# RFC 9110, 5.6.2.
TOKENS = st.text("!#$%&'*+-.^_`|~09AZaz", min_size=1, max_size=12)
VALUES = st.binary(max_size=30).map(lambda data: re.sub(rb"[\x00-\x08\x0a-\x1f\x7f]", b"", data).strip(b" \t"))
FIELDS = st.lists(st.tuples(TOKENS, VALUES), max_size=8).map(
    lambda fields: [(name, value) for name, value in fields if name.lower() not in SPECIAL]
)
# What means something to either server, and is the affair of other tests.
SPECIAL = {"host", "connection", "upgrade", "expect", "proxy"}


def read(data: bytes, settings: Settings = SETTINGS) -> dict[str, str]:
    return Headers(io.BytesIO(data), settings).environ


def refused(data: bytes, settings: Settings = SETTINGS, version: str = "1.1") -> int | None:
    try:
        Headers(io.BytesIO(data), settings).check(f"HTTP/{version}", settings.max_body_size)
    except RequestRefusedError as refusal:
        return refusal.status
    return None


def of_fastgevent(data: bytes, version: str = "1.1") -> tuple[int | None, dict[str, str]]:
    """(the status of the refusal, what the environ has of headers) where the other server reads the same head."""
    parser = Parser(Known({}, 8190), Limits.of(SETTINGS), {})
    parser.feed(b"GET / HTTP/%b\r\n" % version.encode() + data)
    environ = parser.requests[0].environ if parser.requests else {}
    found = {key: value for key, value in environ.items() if key.startswith(("HTTP_", "CONTENT_"))}
    return None if parser.failure is None else parser.failure.status, found


@given(FIELDS, st.sampled_from([b"", b" ", b"\t", b" \t "]), st.sampled_from([b"", b" ", b"\t "]))
def test_a_valid_head_becomes_the_same_environ_on_both_servers(
    fields: list[tuple[str, bytes]], before: bytes, behind: bytes
) -> None:
    lines = [name.encode() + b":" + before + value + behind + b"\r\n" for name, value in fields]
    data = b"Host: x\r\n" + b"".join(lines) + b"\r\n"
    file = io.BytesIO(data + b"the body")
    environ = Headers(file, SETTINGS).environ
    assert file.read() == b"the body"
    assert of_fastgevent(data) == (None, environ)
    expected: dict[str, list[str]] = {"HTTP_HOST": ["x"]}
    for name, value in fields:
        if "_" not in name:
            expected.setdefault("HTTP_" + name.upper().replace("-", "_"), []).append(value.decode("latin-1"))
    assert environ == {key: ("; " if key == "HTTP_COOKIE" else ", ").join(found) for key, found in expected.items()}


@given(FIELDS, st.data())
@example([("A", b"b")], None)
def test_a_mutated_head_is_what_fastgevent_makes_of_it_or_refused(
    fields: list[tuple[str, bytes]], data: st.DataObject | None
) -> None:
    wire = bytearray(b"Host: x\r\n" + b"".join(n.encode() + b": " + v + b"\r\n" for n, v in fields) + b"\r\n")
    for _ in range(data.draw(st.integers(1, 4)) if data else 0):
        assert data is not None
        at = data.draw(st.integers(0, len(wire) - 1))
        wire[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(min_size=1, max_size=3))
    file = io.BytesIO(bytes(wire))
    try:
        headers = Headers(file, SETTINGS)
        headers.check("HTTP/1.1", 0)
    except RequestRefusedError as refusal:
        assert refusal.status in (400, 431)
        return
    head = bytes(wire[: file.tell()])
    assert head.endswith(b"\r\n\r\n")
    # Each line break is one, and what begins a line is a name: nothing was read that another server might read apart.
    assert re.fullmatch(rb"(?:[!-9;-~]+:[\t -~\x80-\xff]*\r\n)+\r\n", head)
    assert all(not re.search("[\x00-\x08\x0a-\x1f\x7f]", key + value) for key, value in headers.environ.items())
    assert all(re.fullmatch("HTTP_[^a-z-]+|CONTENT_LENGTH|CONTENT_TYPE", key) for key in headers.environ)
    if not SPECIAL & {name.lower().decode() for name in re.findall(rb"(?m)^([^:\r\n]+):", head)} - {"host"}:
        status, environ = of_fastgevent(head)
        assert status is None
        assert environ == headers.environ


BREAKS = [b"\n", b"\r", b"\r\r\n", b"\r\n ", b"\r\n\t", b"\0", b"\x0b", b"\x0c", b"\x1f", b"\x7f", b"\n\r\n"]


@given(TOKENS, VALUES, VALUES, st.sampled_from(BREAKS))
def test_whatever_breaks_a_line_refuses_the_head(name: str, first: bytes, second: bytes, broken: bytes) -> None:
    # Something behind the break, or a lone line end before the next line would be an end of line like any other.
    line = name.encode() + b": " + first + broken + second + b"x\r\n"
    assert refused(b"Host: x\r\n" + line + b"\r\n") == 400


@given(TOKENS, st.sampled_from([b" ", b"\t", b"\0", b"(", b"/", b'"', b"\x80", b"\r", b"\n", b",", b";"]), st.data())
def test_a_name_is_a_token_up_to_its_colon(name: str, wrong: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name)))
    broken = name[:at].encode() + wrong + name[at:].encode()
    assert refused(b"Host: x\r\n" + broken + b": y\r\n\r\n") == 400


LENGTHS = st.one_of(
    st.integers(0, 10**20).map(str), st.text("0123456789+-, xXaAfF_.\t", max_size=8), st.sampled_from(["", "²", "٣"])
)
ENCODINGS = st.one_of(
    st.sampled_from(
        ["chunked", "Chunked", "identity", "chunked, identity", "gzip, chunked", "xchunked", "", ",chunked"]
    ),
    st.text("chunked, \t", max_size=12),
)


@given(st.lists(LENGTHS, max_size=2), st.lists(ENCODINGS, max_size=2), VERSIONS, st.booleans())
def test_a_body_is_framed_in_one_way_or_refused(
    lengths: list[str], encodings: list[str], version: str, is_swapped: bool
) -> None:
    lines = [b"Content-Length: " + each.encode("utf-8") + b"\r\n" for each in lengths]
    coded = [b"Transfer-Encoding: " + each.encode() + b"\r\n" for each in encodings]
    data = b"Host: x\r\n" + b"".join(coded + lines if is_swapped else lines + coded) + b"\r\n"
    status = refused(data, version=version)
    if encodings:
        framed = not lengths and len(encodings) == 1 and version == "1.1"
        assert (status is None) == (framed and encodings[0].strip(" \t").lower() == "chunked")
    elif lengths:
        text = lengths[0].strip(" \t")
        assert (status is None) == (len(lengths) == 1 and bool(re.fullmatch("[0-9]{1,19}", text)))
    else:
        assert status is None
    assert status in (None, 400)


@given(st.integers(0, 50))
def test_a_body_is_as_large_as_it_may_be(length: int) -> None:
    settings = replace(SETTINGS, max_body_size=25)
    head = b"Host: x\r\nContent-Length: %d\r\n\r\n" % length
    assert refused(head, settings) == (413 if length > 25 else None)


@given(st.lists(st.integers(0, 40), max_size=9))
@example([0] * 5)
@example([0] * 6)
@example([10**6])
def test_a_head_is_as_large_as_it_may_be(lengths: list[int]) -> None:
    lines = [b"A: " + b"a" * length + b"\r\n" for length in lengths]
    data = b"".join(lines) + b"\r\n"
    file = io.BytesIO(data)
    is_large = len(lines) > SMALL.max_headers or len(data) > SMALL.max_head_size
    if not is_large:
        assert Headers(file, SMALL).environ == (
            {"HTTP_A": ", ".join("a" * each for each in lengths)} if lengths else {}
        )
        return
    with pytest.raises(RequestRefusedError) as refusal:
        Headers(file, SMALL)
    assert refusal.value.status == 431
    # What is too large is not even read.
    assert file.tell() <= SMALL.max_head_size + 1


@given(FIELDS, st.data())
def test_a_head_without_its_end_is_none(fields: list[tuple[str, bytes]], data: st.DataObject) -> None:
    wire = b"Host: x\r\n" + b"".join(n.encode() + b": " + v + b"\r\n" for n, v in fields) + b"\r\n"
    cut = data.draw(st.integers(0, len(wire) - 1))
    assert refused(wire[:cut]) == 400


METHODS = st.one_of(st.sampled_from(["GET", "POST", "OPTIONS", "CONNECT"]), TOKENS, st.text(max_size=4))
TARGETS = st.one_of(
    st.sampled_from(["/", "*", "http://x/", "x:443", "ftp://x/", "//x", "/a#b", "/a b", ""]),
    st.text("/abc?%:#* \t\r\n\x00\x7fé", max_size=12),
)
ENDS = st.sampled_from(
    ["HTTP/1.1\r\n", "HTTP/1.0\r\n", "HTTP/2.0\r\n", "HTTP/1.10\r\n", "HTTP/1.1\n", "http/1.1\r\n", ""]
)


@given(METHODS, st.sampled_from([" ", "  ", "\t", ""]), TARGETS, st.sampled_from([" ", "  ", "\t"]), ENDS)
def test_a_request_line_has_three_parts_and_nothing_else(
    method: str, first: str, target: str, second: str, end: str
) -> None:
    line = f"{method}{first}{target}{second}{end}".encode("latin-1", "replace").decode("latin-1")
    try:
        check_request_line(line)
    except RequestRefusedError as refusal:
        assert refusal.status == 400
        return
    found_method, found_target, found_version = line.removesuffix("\r\n").split(" ")
    assert re.fullmatch(r"[^\x00-\x20\x7f-\xff\"(),/:;<=>?@\[\\\]{}]+", found_method)
    assert found_method.upper() != "CONNECT"
    assert found_target.startswith("/") or found_target.lower().startswith(("http://", "https://"))
    assert not re.search(r"[\x00-\x20\x7f#]", found_target)
    assert found_version in ("HTTP/1.0", "HTTP/1.1")


@given(st.sampled_from(["GET", "POST", "DELETE"]), st.text("/abc?%:=&;.~é", max_size=20), VERSIONS)
def test_a_valid_request_line_passes(method: str, path: str, version: str) -> None:
    check_request_line(f"{method} /{path} HTTP/{version}\r\n")
