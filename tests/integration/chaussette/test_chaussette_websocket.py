"""WebSockets on the backends that can: simple-websocket in the application, and a client of another library."""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
from pathlib import Path

import pytest
import websocket

from tests.integration.chaussette.websocket_app import BIG as TWO_BIG
from tests.integration.chaussette.websocket_app import SMALL
from tests.support.certificates import make_authority, sign
from tests.support.waiting import PATIENCE_S, wait_until

APP = "tests.integration.chaussette.websocket_app:app"
upgrading_backend = pytest.mark.parametrize("backend", ["gevent", "fastgevent"])
MANY = 50
BIG = 3_000_000


@contextlib.contextmanager
def connected(listener, path: str = "/echo", **options):
    scheme = "wss" if "sslopt" in options else "ws"
    host, port = listener.getsockname()
    client = websocket.create_connection(f"{scheme}://{host}:{port}{path}", timeout=PATIENCE_S, **options)
    try:
        yield client
    finally:
        client.shutdown()


def closing(client) -> int:
    """The code of the close frame that comes; answers it, as the client library does not."""
    frame = client.recv_frame()
    assert frame.opcode == websocket.ABNF.OPCODE_CLOSE
    client.send_close()
    return int.from_bytes(frame.data[:2], "big")


def check_echo(listener, **options):
    with connected(listener, **options) as client:
        for message in ("hello", "ä" * 1000):
            client.send(message)
            assert client.recv() == message
        big = bytes(range(256)) * (BIG // 256)
        client.send_binary(big)
        assert client.recv() == big


def check_two_senders(listener, file: Path, **options):
    """What two greenlets send at once comes whole, one message behind the other."""
    with connected(listener, f"/two{file}", **options) as client:
        wait_until(file.exists, "both send")
        received = [client.recv() for _ in range(SMALL + 1)]
    assert received == [b"A" * TWO_BIG, *(b"B%d" % number for number in range(SMALL))]


@upgrading_backend
def test_echo_close_and_many_at_once(supervisor, listener, tmp_path, backend):
    worker = supervisor.start_ready("--backend", backend, fds=[listener.fileno()], app=APP)
    check_echo(listener)
    check_two_senders(listener, tmp_path / "both")
    with connected(listener, "/once") as client:
        client.send("last")
        assert client.recv() == "last"
        assert closing(client) == 1000
        assert client.sock.recv(100) == b""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(listener)) for _ in range(MANY)]
        for number, client in enumerate(clients):
            client.send(str(number))
        assert [client.recv() for client in clients] == [str(number) for number in range(MANY)]
    response, content = supervisor.client(listener.getsockname()).fetch("/")
    assert (response.status, content) == (200, b"no WebSocket")
    assert "Traceback" not in worker.output()


@upgrading_backend
def test_through_tls(supervisor, listener, tmp_path, backend):
    make_authority(tmp_path)
    certificate, key = sign(tmp_path, "server", "/CN=server")
    options = ["--certfile", str(certificate), "--keyfile", str(key)]
    worker = supervisor.start_ready("--backend", backend, *options, fds=[listener.fileno()], app=APP)
    trust = {"ca_certs": str(tmp_path / "ca.pem"), "cert_reqs": ssl.CERT_REQUIRED}
    check_echo(listener, sslopt=trust)
    check_two_senders(listener, tmp_path / "both", sslopt=trust)
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 0
    assert "Traceback" not in worker.output()


@upgrading_backend
def test_nothing_that_follows_is_http(supervisor, listener, backend):
    """Neither what the application returns after its WebSocket, nor what the client sends after the close."""
    worker = supervisor.start_ready("--backend", backend, fds=[listener.fileno()], app=APP)
    with connected(listener, "/answer") as client:
        client.send_close()
        assert closing(client) in (0, 1000)
        with contextlib.suppress(OSError):
            client.sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        rest = b""
        with contextlib.suppress(ConnectionResetError):
            rest = b"".join(iter(lambda: client.sock.recv(4096), b""))
        assert b"HTTP" not in rest
    assert "Traceback" not in worker.output()


@upgrading_backend
def test_an_upgrade_that_is_refused_is_answered_and_closed(supervisor, listener, backend):
    supervisor.start_ready("--backend", backend, fds=[listener.fileno()], app=APP)
    with socket.create_connection(listener.getsockname(), timeout=PATIENCE_S) as sock:
        sock.sendall(b"GET /plain HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        received = b"".join(iter(lambda: sock.recv(4096), b""))
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"no WebSocket")


@upgrading_backend
def test_a_stop_asks_each_client_for_the_close(supervisor, listener, backend):
    options = ["--keepalive-drain", "0.3", "--graceful-timeout", "20"]
    worker = supervisor.start_ready("--backend", backend, *options, fds=[listener.fileno()], app=APP)
    with connected(listener) as one, connected(listener) as other:
        for client in (one, other):
            client.send("here")
            assert client.recv() == "here"
        worker.signal(signal.SIGTERM)
        assert [closing(client) for client in (one, other)] == [1001, 1001]
        assert worker.wait_exit() == 0
    assert "Traceback" not in worker.output()


@upgrading_backend
def test_a_client_that_does_not_close_is_cut_in_time(supervisor, listener, backend):
    options = ["--keepalive-drain", "0.1", "--graceful-timeout", "0.5"]
    worker = supervisor.start_ready("--backend", backend, *options, fds=[listener.fileno()], app=APP)
    with connected(listener) as client:
        client.send("here")
        assert client.recv() == "here"
        worker.signal(signal.SIGTERM)
        assert worker.wait_exit() == 1
    assert "cut 1 request in flight" in worker.output()
