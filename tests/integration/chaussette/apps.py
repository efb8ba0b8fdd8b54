"""The applications that the workers under test serve. Imported by the workers, not by the tests."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from urllib.parse import parse_qs
from wsgiref.validate import validator

CHUNK = b"x" * 65536


def app(environ, start_response):
    """A path a behaviour."""
    answer = ROUTES.get(environ["PATH_INFO"], show_pid)
    status, body = answer(environ, {k: v[0] for k, v in parse_qs(environ.get("QUERY_STRING", "")).items()})
    headers = [("Content-Type", "application/json")]
    if isinstance(body, bytes):
        body = [body]
        headers.append(("Content-Length", str(len(body[0]))))
    start_response(status, headers)
    return body


def show_pid(environ, query):
    return "200 OK", json.dumps(os.getpid()).encode()


def show_environ(environ, query):
    return "200 OK", json.dumps({k: v for k, v in environ.items() if isinstance(v, (str, bool, int))}).encode()


def show_process(environ, query):
    found = {"NOTIFY_SOCKET": os.environ.get("NOTIFY_SOCKET"), "socket": socket.socket.__module__}
    return "200 OK", json.dumps(found).encode()


def echo(environ, query):
    return "200 OK", environ["wsgi.input"].read()


def sleep(environ, query):
    if "touch" in query:
        Path(query["touch"]).touch()
    time.sleep(float(query["s"]))
    return show_pid(environ, query)


def stream(environ, query):
    return "200 OK", (CHUNK for _ in range(int(query["chunks"])))


def large(environ, query):
    return "200 OK", CHUNK * int(query["chunks"])


def upgrade(environ, start_response):
    """Leaves HTTP, as a WebSocket does."""
    start_response("101 Switching Protocols", [("Upgrade", "websocket"), ("Connection", "Upgrade")])
    return []


def fail(environ, query):
    raise RuntimeError("the application fails on purpose")


ROUTES = {
    "/environ": show_environ,
    "/process": show_process,
    "/echo": echo,
    "/sleep": sleep,
    "/stream": stream,
    "/large": large,
    "/fail": fail,
}


def plain(environ, start_response):
    """Obeys the letter of PEP 3333, so that the standard library's validator can judge the server."""
    body = str(len(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]


validated = validator(plain)
validated_routes = validator(app)


def make(word="none", *, times=1):
    """A factory."""

    def made(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [(word * times).encode()]

    return made


def file_app(path):
    """A file, through the server's own wrapper where it has one."""

    def made(environ, start_response):
        start_response("200 OK", [("Content-Length", str(Path(path).stat().st_size))])
        file = Path(path).open("rb")  # noqa: SIM115 - the server closes it
        return environ["wsgi.file_wrapper"](file) if "wsgi.file_wrapper" in environ else [file.read()]

    return made


def hook_before(arguments):
    Path(arguments.arguments[0]).write_text("before")


def hook_after(arguments):
    with Path(arguments.arguments[0]).open("a") as out:
        out.write(" after")


not_callable = 42
