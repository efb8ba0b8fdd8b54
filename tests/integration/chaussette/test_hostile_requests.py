"""What attackers send, over the wire of both our HTTP servers: refused, its connection closed, nothing behind it run.

The catalogue is that of RFC 9112's warnings and of the advisories of waitress and gunicorn: request smuggling by
lengths, by chunks, by ends of lines and by blanks; header injection; heads without an end.
"""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from tests.support.waiting import PATIENCE_S

APP = "tests.integration.chaussette.hostile_apps:app"
BEHIND = b"GET /behind HTTP/1.1\r\nHost: x\r\n\r\n"
_POST = b"POST /first HTTP/1.1\r\nHost: x\r\n"
_GET = b"GET /first HTTP/1.1\r\n"
_CHUNKED = _POST + b"Transfer-Encoding: chunked\r\n\r\n"
LIMITS = ("--max-request-line", "2000", "--max-headers", "20", "--max-head-size", "8000", "--max-body-size", "1000")

# What it is -> (the bytes, the status that it is answered with).
HEADS = {
    "two lengths": (_POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
    "the same length twice": (_POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    "a list of lengths": (_POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
    "a signed length": (_POST + b"Content-Length: +3\r\n\r\nabc", 400),
    "a negative length": (_POST + b"Content-Length: -3\r\n\r\nabc", 400),
    "a hexadecimal length": (_POST + b"Content-Length: 0x3\r\n\r\nabc", 400),
    "a length with an underscore": (_POST + b"Content-Length: 1_0\r\n\r\nabc", 400),
    "an empty length": (_POST + b"Content-Length:\r\n\r\nabc", 400),
    "a huge length": (_POST + b"Content-Length: 99999999999999999999999\r\n\r\nabc", 400),
    "length and chunks": (_POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "chunks and length": (_POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    "chunked twice": (_POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "an unknown encoding": (_POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "chunked not last": (_POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400),
    "chunked after gzip": (_POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "a vertical tab in an encoding": (_POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "chunks in HTTP/1.0": (b"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "a blank before the colon": (_GET + b"Host : x\r\n\r\n", 400),
    "a folded line": (_GET + b"Host: x\r\nA: b\r\n c\r\n\r\n", 400),
    "a folded first line": (_GET + b" Host: x\r\nHost: x\r\n\r\n", 400),
    "a line without a colon": (_GET + b"Host: x\r\nnothing\r\n\r\n", 400),
    "no name": (_GET + b"Host: x\r\n: y\r\n\r\n", 400),
    "a name that is no token": (_GET + b"Host: x\r\nA(b): y\r\n\r\n", 400),
    "NUL in a value": (_GET + b"Host: x\r\nA: b\x00c\r\n\r\n", 400),
    "NUL in a name": (_GET + b"Host: x\r\nA\x00b: c\r\n\r\n", 400),
    "a bare CR": (_GET + b"Host: x\r\nA: b\rC: d\r\n\r\n", 400),
    "a bare LF": (_GET + b"Host: x\nA: b\r\n\r\n", 400),
    "bare LFs alone": (b"GET / HTTP/1.1\nHost: x\n\n", 400),
    "no Host": (_GET + b"A: b\r\n\r\n", 400),
    "two Hosts": (_GET + b"Host: x\r\nHost: y\r\n\r\n", 400),
    "a Host that is a path": (_GET + b"Host: x/y\r\n\r\n", 400),
    "a Host with a user": (_GET + b"Host: a@b\r\n\r\n", 400),
    "a request line without version": (b"GET /\r\nHost: x\r\n\r\n", 400),
    "version 2": (b"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400),
    "version 0.9": (b"GET / HTTP/0.9\r\nHost: x\r\n\r\n", 400),
    "a longer version": (b"GET / HTTP/1.10\r\nHost: x\r\n\r\n", 400),
    "another protocol": (b"GET / ICAP/1.0\r\nHost: x\r\n\r\n", 400),
    "two blanks": (b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a tab as a blank": (b"GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a blank in the target": (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a fragment": (b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "NUL in the target": (b"GET /a\x00b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no path": (b"GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "asterisk form": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "authority form": (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "CONNECT with a path": (b"CONNECT /x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "absolute form without a host": (b"GET http:///x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "absolute form without Host": (b"GET http://x/ HTTP/1.1\r\n\r\n", 400),
    "absolute form with a user": (b"GET http://a@b/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "another scheme": (b"GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a method that is no token": (b"G(T / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "a long target": (b"GET /" + b"a" * 2500 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "many headers": (_GET + b"Host: x\r\n" + b"A: b\r\n" * 30 + b"\r\n", 431),
    "a long header": (_GET + b"Host: x\r\nA: " + b"a" * 9000 + b"\r\n\r\n", 431),
    "a large body in chunks": (_CHUNKED + b"3e9\r\n" + b"a" * 1001 + b"\r\n0\r\n\r\n", 413),
    "many trailers": (_CHUNKED + b"0\r\n" + b"A: b\r\n" * 1500 + b"\r\n", 431),
    "a long trailer": (_CHUNKED + b"0\r\nA: " + b"a" * 9000 + b"\r\n\r\n", 431),
    "a large body": (_POST + b"Content-Length: 1001\r\n\r\n" + b"a" * 10, 413),
}
CHUNKS = {
    "an extension with CR": b"3;a\rb\r\nabc\r\n0\r\n\r\n",
    "an extension with LF": b"3;a\nabc\r\n0\r\n\r\n",
    "an extension of a line feed": b"5;\n\r\nhello\r\n0\r\n\r\n",
    "an extension that hides a request": b"2;\nxx\r\n1f\r\n0\r\n\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\n\r\n0\r\n\r\n",
    "an extension with NUL": b"5;a\0b\r\nhello\r\n0\r\n\r\n",
    "0x": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a sign": b"+3\r\nabc\r\n0\r\n\r\n",
    "minus": b"-3\r\nabc\r\n0\r\n\r\n",
    "an underscore": b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n",
    "a huge size": b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n",
    "no size": b"\r\nabc\r\n0\r\n\r\n",
    "more than its size": b"3\r\nabcd\r\n0\r\n\r\n",
    "no end of line behind it": b"3\r\nabc0\r\n\r\n",
    "a bare LF": b"3\nabc\r\n0\r\n\r\n",
}
# Served all the same. llhttp takes several blanks for one, as RFC 9112 3 allows: nothing else could be meant by them.
LENIENT = {"gevent": frozenset[str](), "fastgevent": frozenset({"two blanks"})}


def answer(address: tuple[str, int], data: bytes) -> bytes:
    """All that is answered until the connection ends, or nothing comes after what is behind was answered."""
    with socket.create_connection(address, timeout=PATIENCE_S) as client:
        seen = b""
        with contextlib.suppress(ConnectionError):
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while found := client.recv(65536):
                seen += found
        return seen


@pytest.mark.parametrize("backend", ["gevent", "fastgevent"])
def test_the_hostile_catalogue(backend, supervisor, listener):
    supervisor.start_ready("--backend", backend, *LIMITS, fds=[listener.fileno()], app=APP)
    address = listener.getsockname()
    wrong = []
    for what, (data, status) in HEADS.items():
        found = answer(address, data + BEHIND)
        is_refused = found.startswith(b"HTTP/1.1 %d " % status) and b"200 OK" not in found
        if is_refused == (what in LENIENT[backend]):
            wrong.append((what, found[:200]))
    for what, body in CHUNKS.items():
        found = answer(address, _CHUNKED + body + BEHIND)
        if b"</behind" in found:
            wrong.append((what, found[:400]))
        found = answer(address, _CHUNKED.replace(b"/first", b"/swallow") + body + BEHIND)
        if b"</behind" in found:
            wrong.append((what, "swallowed", found[:400]))
    assert not wrong, wrong

    found = answer(address, _GET + b"Host: x\r\nX_User: admin\r\nX-User: me\r\nConnection: close\r\n\r\n")
    assert b"</first 0 me>" in found
    found = answer(address, b"GET http://y:80/a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"</a 0 ->" in found
    found = answer(address, _CHUNKED + b"3;ext=1\r\nabc\r\n0\r\nTrailer: x\r\nX-User: admin\r\n\r\n" + BEHIND)
    assert b"</first 3 ->" in found
    assert b"</behind 0 ->" in found
    assert b"admin" not in found


@pytest.mark.parametrize("backend", ["gevent", "fastgevent"])
def test_slow_heads_and_idle_connections_end_beside_others(backend, supervisor, listener):
    timeouts = ("--head-timeout", "1", "--keepalive-timeout", "1")
    supervisor.start_ready("--backend", backend, *timeouts, fds=[listener.fileno()], app=APP)
    address = listener.getsockname()
    with (
        socket.create_connection(address, timeout=PATIENCE_S) as slow,
        socket.create_connection(address, timeout=PATIENCE_S) as kept,
        socket.create_connection(address, timeout=PATIENCE_S) as silent,
    ):
        slow.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nA: ")
        kept.sendall(BEHIND)
        served, said, end = 0, b"", time.monotonic() + PATIENCE_S
        while not said and time.monotonic() < end:
            # A byte now and then: the head as a whole has its time.
            with contextlib.suppress(ConnectionError):
                slow.send(b"a")
            served += b"</behind 0 ->" in answer(address, BEHIND)
            slow.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                said = slow.recv(65536)
        assert said.startswith(b"HTTP/1.1 408 ")
        assert served
        assert silent.recv(1) == b""
        assert b"</behind 0 ->" in kept.recv(65536)
        assert kept.recv(65536) == b""
