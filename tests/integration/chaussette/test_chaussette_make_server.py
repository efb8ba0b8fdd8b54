"""Servers that a program makes by itself, with the calls of Chaussette 1.3."""

from __future__ import annotations

import re
import signal
import socket
import threading

import pytest

from chaussette import util
from chaussette.backend import backends, get, register
from chaussette.errors import BackendError, UsageError
from chaussette.server import make_server
from tests.integration.chaussette.workers import ROOT
from tests.support.http_client import Client
from tests.support.processes import PYTHON

PROGRAM = """\
import signal, sys
from chaussette.server import make_server
from chaussette.util import hello_app

before = signal.getsignal(signal.SIGTERM)
backend, host, port = sys.argv[1:]
server = make_server(hello_app, host, int(port), backend=backend, backlog=64, graceful_timeout=20)
print("bound to", server.server_address, server.server_port, flush=True)
server.serve_forever()
assert signal.getsignal(signal.SIGTERM) == before
print("over", flush=True)
"""


@pytest.mark.parametrize("backend", ["wsgiref", "waitress", "gevent", "fastgevent", "meinheld", "eventlet", "bjoern"])
def test_a_program_serves_until_it_is_told_to_stop(supervisor, backend):
    argv = [PYTHON, "-c", PROGRAM, backend, "127.0.0.1", "0"]
    program = supervisor.start_argv(argv, cwd=ROOT)
    supervisor.wait_ready(program)
    port = int(re.search(r"bound to .* (\d+)$", program.output(), re.MULTILINE)[1])
    response, body = supervisor.client(("127.0.0.1", port)).fetch("/")
    assert (response.status, body) == (200, b"hello world\n")
    program.signal(signal.SIGTERM)
    assert program.wait_exit() == 0
    assert "over" in program.output()


def test_unix_sockets_and_descriptors(supervisor, listener):
    path = str(supervisor.run_dir / "own.sock")
    on_path = supervisor.start_argv([PYTHON, "-c", PROGRAM, "wsgiref", f"unix:{path}", "0"], cwd=ROOT)
    supervisor.wait_ready(on_path)
    assert supervisor.client(path).fetch("/")[1] == b"hello world\n"
    fd = listener.fileno()
    on_fd = supervisor.start_argv([PYTHON, "-c", PROGRAM, "wsgiref", f"fd://{fd}", "0"], fds=[fd], cwd=ROOT)
    supervisor.wait_ready(on_fd)
    assert supervisor.client(listener.getsockname()).fetch("/")[1] == b"hello world\n"
    for program in (on_path, on_fd):
        program.signal(signal.SIGTERM)
        assert program.wait_exit() == 0


def test_what_is_registered_is_made_and_the_others_are_named():
    class Own:
        def __init__(self, listen, application, **options):
            self.made = (listen, application, sorted(options))

        def serve_forever(self):
            return self.made

    register("own", Own)
    assert get("own") is Own
    assert {"own", "wsgiref", "gevent"} <= set(backends())
    made = make_server(util.hello_app, "127.0.0.1", 8000, backend="own")
    given = ["address_family", "backlog", "socket_type"]
    assert made.serve_forever() == (("127.0.0.1", 8000), util.hello_app, given)
    with pytest.raises(BackendError, match="there is no backend 'wsgirefs'; did you mean 'wsgiref'"):
        get("wsgirefs")


def test_a_stop_before_and_another_thread():
    server = make_server(util.hello_app, "127.0.0.1", 0)
    address = server.server_address
    refused: list[Exception] = []

    def serve() -> None:
        try:
            server.serve_forever()
        except UsageError as error:
            refused.append(error)

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join(20)
    assert "call it there" in str(refused[0])
    other = make_server(util.hello_app, "127.0.0.1", 0)
    other.stop()
    other.serve_forever()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=5)


def test_sockets_of_create_socket():
    with util.create_socket("127.0.0.1", 0) as sock:
        assert sock.getblocking()
        with util.create_socket(f"fd://{sock.fileno()}", 0, blocking=False) as same:
            assert same.getsockname() == sock.getsockname()
            assert not same.getblocking()
        # What was named is still the caller's.
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    with pytest.raises(ValueError, match="unix:/path"):
        util.create_socket("localhost", 0, socket.AF_UNIX)


@pytest.mark.parametrize("backend", ["wsgiref", "gevent"])
def test_the_bench_application_with_its_hooks(supervisor, listener, backend):
    hooks = ["--pre-hook", "chaussette.util.setup_bench", "--post-hook", "chaussette.util.teardown_bench"]
    worker = supervisor.start_ready(
        "--backend", backend, *hooks, fds=[listener.fileno()], app="chaussette.util.bench_app"
    )
    client = Client(listener.getsockname())
    for _ in range(2):
        assert client.fetch("/")[1] == b"x" * 1024
    client.close()
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 0
    assert "Traceback" not in worker.output()
