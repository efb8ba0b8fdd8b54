"""Applications that use each corner of PEP 3333. Imported by the workers, not by the tests."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

TEXT = [("Content-Type", "text/plain")]
closed: list[str] = []


class Closing:
    """An iterable whose close() is remembered."""

    def __init__(self, pieces, path):
        self.pieces = iter(pieces)
        self.path = path

    def __iter__(self):
        return self

    def __next__(self):
        piece = next(self.pieces)
        if isinstance(piece, Exception):
            raise piece
        return piece

    def close(self):
        closed.append(self.path)


def app(environ, start_response):
    path = environ["PATH_INFO"]
    return ROUTES[path](environ, start_response)


def pieces(environ, start_response):
    start_response("200 OK", list(TEXT))
    return Closing([b"one,", b"", b"two"], "pieces")


def breaks(environ, start_response):
    start_response("200 OK", list(TEXT))
    return Closing([b"one,", RuntimeError("on purpose")], "breaks")


def counted(environ, start_response):
    start_response("200 OK", [*TEXT, ("Content-Length", "5")])
    return Closing([b"123", b"45678"], "counted")


def short(environ, start_response):
    start_response("200 OK", [*TEXT, ("Content-Length", "50")])
    return [b"123"]


def nothing(environ, start_response):
    start_response("204 No Content", [])
    return [b"not to be sent"]


def not_modified(environ, start_response):
    start_response("304 Not Modified", [("Content-Length", "7"), ("ETag", '"x"')])
    return []


def written(environ, start_response):
    write = start_response("200 OK", list(TEXT))
    write(b"written,")
    return [b"returned"]


def replaced(environ, start_response):
    start_response("200 OK", list(TEXT))
    try:
        raise RuntimeError("on purpose")
    except RuntimeError:
        start_response("503 Service Unavailable", list(TEXT), sys.exc_info())
    return [b"sorry"]


def injected(environ, start_response):
    start_response("200 OK", [("X-Evil", "a\r\nSet-Cookie: b=c")])
    return [b"never"]


def file(environ, start_response):
    handle = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
    handle.write(b"0123456789" * 100_000)
    handle.seek(10)
    start_response("200 OK", list(TEXT))
    return environ["wsgi.file_wrapper"](handle)


def read_none(environ, start_response):
    start_response("200 OK", list(TEXT))
    return [b"not read"]


def read_lines(environ, start_response):
    lines = [environ["wsgi.input"].readline(), environ["wsgi.input"].readline(4), *environ["wsgi.input"]]
    start_response("200 OK", list(TEXT))
    return [repr(lines).encode()]


def count_body(environ, start_response):
    """Reads piece by piece, and says how much memory that took at most."""
    total = 0
    while data := environ["wsgi.input"].read(65536):
        total += len(data)
    status = Path("/proc/self/status").read_text()
    resident = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    start_response("200 OK", list(TEXT))
    return [f"{total} {resident}".encode()]


def resident(environ, start_response):
    status = Path("/proc/self/status").read_text()
    start_response("200 OK", list(TEXT))
    return [next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")).encode()]


def who_closed(environ, start_response):
    start_response("200 OK", list(TEXT))
    return [" ".join(closed).encode()]


def pid(environ, start_response):
    start_response("200 OK", list(TEXT))
    return [str(os.getpid()).encode()]


ROUTES = {
    "/": pid,
    "/pieces": pieces,
    "/breaks": breaks,
    "/counted": counted,
    "/short": short,
    "/nothing": nothing,
    "/not-modified": not_modified,
    "/written": written,
    "/replaced": replaced,
    "/injected": injected,
    "/file": file,
    "/read-none": read_none,
    "/read-lines": read_lines,
    "/count-body": count_body,
    "/resident": resident,
    "/who-closed": who_closed,
}
