"""What goes over the wire of fastgevent, byte by byte: framing, order, limits of time, clients that misbehave."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator

import pytest

from tests.support.waiting import PATIENCE_S, wait_until

APP = "tests.integration.chaussette.wire_apps:app"


class Talk:
    """A connection that is spoken to in bytes."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.sock = socket.create_connection(address, timeout=PATIENCE_S)
        self.seen = b""

    def say(self, *lines: str, body: bytes = b"") -> None:
        self.sock.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def get(self, path: str, *headers: str, method: str = "GET", version: str = "1.1", body: bytes = b"") -> None:
        self.say(f"{method} {path} HTTP/{version}", "Host: x", *headers, body=body)

    def until(self, end: bytes) -> bytes:
        """What comes up to and with these bytes."""
        while end not in self.seen:
            data = self.sock.recv(65536)
            assert data, f"closed before {end!r}: {self.seen!r}"
            self.seen += data
        found, _, self.seen = self.seen.partition(end)
        return found + end

    def body(self, head: bytes) -> bytes:
        """The body of a response that says how long it is."""
        found = re.search(rb"Content-Length: (\d+)", head)
        assert found, head
        while len(self.seen) < int(found[1]):
            self.seen += self.sock.recv(65536)
        body, self.seen = self.seen[: int(found[1])], self.seen[int(found[1]) :]
        return body

    def rest(self) -> bytes:
        """All that comes until the server closes."""
        with contextlib.suppress(ConnectionResetError):
            while data := self.sock.recv(65536):
                self.seen += data
        return self.seen


class Site:
    """One worker, and connections to it."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.talks: list[Talk] = []

    def talk(self) -> Talk:
        self.talks.append(Talk(self.address))
        return self.talks[-1]


@pytest.fixture
def serve(supervisor, listener) -> Iterator[object]:
    sites: list[Site] = []

    def start(*options: str) -> Site:
        supervisor.start_ready("--backend", "fastgevent", *options, fds=[listener.fileno()], app=APP)
        sites.append(Site(listener.getsockname()))
        return sites[-1]

    yield start
    for site in sites:
        for talk in site.talks:
            talk.sock.close()


def chunks(data: bytes) -> bytes:
    """The body of a chunked response."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        if not int(size, 16):
            return body
        body += data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]


def test_bodies_are_framed_as_http_has_it(serve):
    talk = serve().talk()
    talk.get("/pieces")
    head = talk.until(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked\r\n" in head
    assert chunks(talk.until(b"0\r\n\r\n")) == b"one,two"

    talk.get("/counted")
    assert b"Content-Length: 5\r\n" in talk.until(b"\r\n\r\n")
    assert talk.until(b"5") == b"12345"

    talk.get("/nothing")
    head = talk.until(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 204 No Content\r\n")
    assert b"Content-Length" not in head
    assert b"Transfer-Encoding" not in head

    talk.get("/not-modified")
    assert b"Content-Length: 7\r\n" in talk.until(b"\r\n\r\n")

    talk.get("/pieces", method="HEAD")
    assert talk.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 OK\r\n")

    talk.get("/written")
    talk.until(b"\r\n\r\n")
    assert chunks(talk.until(b"0\r\n\r\n")) == b"written,returned"

    talk.get("/replaced")
    assert talk.until(b"\r\n\r\n").startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    talk.until(b"sorry")

    talk.get("/file")
    assert talk.body(talk.until(b"\r\n\r\n")) == b"0123456789" * 99_999

    # Nothing was left over that would be taken for a response.
    talk.get("/who-closed")
    talk.until(b"\r\n\r\n")
    assert talk.until(b"counted") == b"pieces counted"


def test_a_response_that_comes_again_is_the_same(serve):
    talk = serve().talk()
    for path, end in (("/counted", b"5"), ("/pieces", b"0\r\n\r\n"), ("/nothing", b""), ("/not-modified", b"")):
        found = set()
        for _ in range(4):
            talk.get(path)
            found.add(re.sub(rb"Date: .*\r\n", b"Date: now\r\n", talk.until(b"\r\n\r\n")))
            assert not end or talk.until(end)
        assert len(found) == 1
        assert b"Date: now\r\n" in found.pop()
    talk.get("/counted", method="HEAD")
    assert b"Content-Length: 5\r\n" in talk.until(b"\r\n\r\n")
    talk.get("/counted", "Connection: keep-alive", version="1.0")
    assert b"Connection: keep-alive\r\n" in talk.until(b"\r\n\r\n")
    talk.until(b"5")
    talk.get("/counted", "Connection: close")
    answer = talk.rest()
    assert b"Connection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\n12345")


def test_what_the_application_breaks_ends_the_connection(serve):
    site = serve()
    for path, ends in (("/breaks", b"4\r\none,\r\n"), ("/short", b"123")):
        talk = site.talk()
        talk.get(path)
        assert talk.rest().endswith(ends)
    talk = site.talk()
    talk.get("/injected")
    answer = talk.rest()
    assert answer.startswith(b"HTTP/1.1 500 ")
    assert b"Set-Cookie" not in answer
    talk = site.talk()
    talk.get("/who-closed")
    talk.until(b"\r\n\r\n")
    talk.until(b"breaks")


def test_pipelined_requests_are_answered_in_order(serve):
    talk = serve().talk()
    for path in ("/pieces", "/", "/nothing", "/pieces"):
        talk.get(path)
    talk.get("/", "Connection: close")
    heads = re.findall(rb"HTTP/1.1 (\d+) ", talk.rest())
    assert heads == [b"200", b"200", b"204", b"200", b"200"]


def test_versions_and_connection_headers_decide_what_is_kept(serve):
    site = serve()
    talk = site.talk()
    talk.get("/", version="1.0")
    assert b"Connection: close\r\n" in talk.rest()
    talk = site.talk()
    talk.get("/", "Connection: keep-alive", version="1.0")
    assert b"Connection: keep-alive\r\n" in talk.until(b"\r\n\r\n")
    talk.get("/pieces", version="1.0")
    assert talk.rest().endswith(b"\r\n\r\none,two")
    talk = site.talk()
    talk.get("/", "Connection: close")
    assert b"Connection: close\r\n" in talk.rest()


def test_continue_is_said_when_the_body_is_read_first(serve):
    site = serve()
    talk = site.talk()
    talk.get("/read-lines", "Content-Length: 12", "Expect: 100-continue", method="POST")
    assert talk.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    talk.sock.sendall(b"ab\ncdefgh\ni\n")
    talk.until(b"\r\n\r\n")
    assert talk.until(b"]") == b"[b'ab\\n', b'cdef', b'gh\\n', b'i\\n']"

    talk = site.talk()
    talk.get("/read-none", "Content-Length: 12", "Expect: 100-continue", method="POST")
    answer = talk.rest()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"100 Continue" not in answer


def test_a_body_that_was_not_read_is_no_request(serve):
    talk = serve().talk()
    body = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    talk.get("/read-none", f"Content-Length: {len(body)}", method="POST", body=body)
    talk.until(b"not read")
    talk.get("/")
    assert talk.until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("headers", [(), ("Connection: close",)])
def test_who_sends_a_large_body_that_nobody_reads_gets_the_response(serve, headers):
    site = serve()
    for _ in range(3):
        talk = site.talk()
        talk.get("/read-none", "Content-Length: 5000000", *headers, method="POST")
        # All of it before anything is read, as most clients do.
        talk.sock.sendall(bytes(5_000_000))
        seen = b""
        while data := talk.sock.recv(65536):
            seen += data
        assert seen.startswith(b"HTTP/1.1 200 ")
        assert seen.endswith(b"not read")


def test_large_bodies_are_streamed(serve):
    talk = serve().talk()
    size = 200 * 2**20
    talk.get("/resident")
    before = int(talk.body(talk.until(b"\r\n\r\n")))
    talk.get("/count-body", f"Content-Length: {size}", method="POST")
    piece = bytes(2**20)
    for _ in range(size // len(piece)):
        talk.sock.sendall(piece)
    total, highest = talk.body(talk.until(b"\r\n\r\n")).split()
    assert int(total) == size
    assert int(highest) - before < 10 * 1024


@pytest.mark.parametrize(
    ("options", "sent", "answer"),
    [
        (("--head-timeout", "0.4"), b"GET / HTTP/1.1\r\nHo", b"HTTP/1.1 408 "),
        (("--keepalive-timeout", "0.4"), b"", b""),
        (
            ("--body-timeout", "0.4"),
            b"POST /count-body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab",
            b"HTTP/1.1 408 ",
        ),
        (("--max-body-size", "3"), b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", b"HTTP/1.1 413 "),
        (("--max-headers", "2"), b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC: d\r\n\r\n", b"HTTP/1.1 431 "),
        (("--max-request-line", "9"), b"GET /0123456789 HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 414 "),
    ],
)
def test_what_takes_too_long_or_is_too_large_ends(serve, options, sent, answer):
    site = serve("--head-timeout", "60", *options) if options[0] != "--head-timeout" else serve(*options)
    talk = site.talk()
    if options[0] == "--keepalive-timeout":
        talk.get("/")
        talk.until(b"\r\n\r\n")
        assert not talk.rest().startswith(b"HTTP")
        return
    talk.sock.sendall(sent)
    assert talk.rest().startswith(answer)


def test_empty_lines_do_not_keep_a_connection(serve):
    talk = serve("--head-timeout", "0.4", "--keepalive-timeout", "0.4").talk()
    talk.sock.settimeout(0.05)

    def is_closed() -> bool:
        try:
            talk.sock.sendall(b"\r\n")
            return talk.sock.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True

    wait_until(is_closed, "the server has closed")


def test_a_client_that_is_slow_or_gone_holds_up_nobody(serve):
    site = serve()
    slow = [site.talk() for _ in range(50)]
    for talk in slow:
        talk.sock.sendall(b"GET / HTTP/1.1\r\nHost")
    gone = site.talk()
    gone.get("/file")
    gone.sock.close()
    deaf = site.talk()
    for _ in range(20):
        deaf.get("/file")
    talk = site.talk()
    for _ in range(20):
        talk.get("/")
        talk.until(b"\r\n\r\n")
    slow[0].sock.sendall(b": x\r\n\r\n")
    assert slow[0].until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
