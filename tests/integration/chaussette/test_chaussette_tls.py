"""https by the worker itself: on each backend that serves it, and refused on each that does not."""

from __future__ import annotations

import hashlib
import http.client
import json
import signal
import socket
import ssl
from pathlib import Path

import pytest

from tests.integration.chaussette.workers import BACKENDS
from tests.support.certificates import make_authority, sign, trusting
from tests.support.load import wrk
from tests.support.waiting import PATIENCE_S, wait_until

SERVING = ("wsgiref", "gevent", "fastgevent")
serving_backend = pytest.mark.parametrize("backend", SERVING)
keeping_backend = pytest.mark.parametrize("backend", [each for each in SERVING if each != "wsgiref"])


@pytest.fixture(scope="module")
def certificates(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    make_authority(folder)
    sign(folder, "server", "/CN=first")
    sign(folder, "client", "/C=DE/O=Comma, Inc/CN=someone")
    return folder


def flags(folder: Path, name: str = "server") -> list[str]:
    return ["--certfile", str(folder / f"{name}.pem"), "--keyfile", str(folder / f"{name}.key")]


def fetch(listener, context: ssl.SSLContext, path: str = "/", method: str = "GET", body: bytes | None = None):
    client = http.client.HTTPSConnection(*listener.getsockname(), timeout=PATIENCE_S, context=context)
    try:
        client.request(method, path, body=body)
        response = client.getresponse()
        return response, response.read()
    finally:
        client.close()


def common_name(listener, context: ssl.SSLContext) -> str:
    with (
        socket.create_connection(listener.getsockname(), timeout=PATIENCE_S) as sock,
        context.wrap_socket(sock, server_hostname="127.0.0.1") as wrapped,
    ):
        return dict(pair for part in wrapped.getpeercert()["subject"] for pair in part)["commonName"]


@serving_backend
def test_an_application_behind_https(supervisor, listener, certificates, backend):
    """One worker: environ, bodies of both directions, files, who speaks no TLS, who says nothing, new certificates."""
    folder = certificates
    worker = supervisor.start_ready("--backend", backend, *flags(folder), fds=[listener.fileno()])
    context = trusting(folder / "ca.pem")
    environ = json.loads(fetch(listener, context, "/environ?SSL_CLIENT_S_DN=x")[1])
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["HTTPS"] == "on"
    assert environ["SSL_PROTOCOL"] == "TLSv1.3"
    assert environ["SSL_CLIENT_VERIFY"] == "NONE"
    assert "SSL_CLIENT_S_DN" not in environ
    sent = b"0123456789" * 100_000
    assert fetch(listener, context, "/echo", "POST", sent)[1] == sent
    assert len(fetch(listener, context, "/large?chunks=60")[1]) == 60 * 65536
    assert len(fetch(listener, context, "/stream?chunks=60")[1]) == 60 * 65536
    response, content = fetch(listener, context, "/large?chunks=2", "HEAD")
    assert (response.status, content) == (200, b"")
    with socket.create_connection(listener.getsockname(), timeout=PATIENCE_S) as silent:
        half = socket.create_connection(listener.getsockname(), timeout=PATIENCE_S)
        half.sendall(b"\x16\x03\x01")
        assert json.loads(fetch(listener, context)[1]) == worker.pid
        half.close()
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.recv(1)
    with socket.create_connection(listener.getsockname(), timeout=PATIENCE_S) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        received = b"".join(iter(lambda: read_or_end(plain), b""))
        # An alert of TLS, or nothing: no HTTP.
        assert b"HTTP" not in received
    assert json.loads(fetch(listener, context)[1]) == worker.pid
    assert "Traceback" not in worker.output()


def read_or_end(sock: socket.socket) -> bytes:
    try:
        return sock.recv(4096)
    except ConnectionResetError:
        return b""


@serving_backend
def test_sighup_reads_the_certificates_again_and_keeps_the_old_ones_where_they_are_wrong(
    supervisor, listener, certificates, tmp_path, backend
):
    folder = tmp_path
    for name in ("server.pem", "server.key"):
        (folder / name).write_bytes((certificates / name).read_bytes())
    worker = supervisor.start_ready("--backend", backend, *flags(folder), fds=[listener.fileno()])
    context = trusting(certificates / "ca.pem")
    assert common_name(listener, context) == "first"
    sign(certificates, "second", "/CN=second")
    (folder / "server.pem").write_bytes((certificates / "second.pem").read_bytes())
    worker.signal(signal.SIGHUP)
    worker.wait_output("the certificates stay as they were")
    assert common_name(listener, context) == "first"
    (folder / "server.key").write_bytes((certificates / "second.key").read_bytes())
    worker.signal(signal.SIGHUP)
    wait_until(lambda: common_name(listener, context) == "second", "the second certificate")


def test_sighup_before_the_certificates_are_read_ends_nothing(supervisor, listener, certificates, tmp_path):
    went_on = tmp_path / "go"
    (tmp_path / "slow_to_load.py").write_text(
        "import pathlib, time\n"
        f"pathlib.Path({str(tmp_path / 'loading')!r}).touch()\n"
        f"while not pathlib.Path({str(went_on)!r}).exists():\n    time.sleep(0.01)\n"
        "from tests.integration.chaussette.apps import app\n"
    )
    options = ["--python-path", str(tmp_path), *flags(certificates)]
    worker = supervisor.start(*options, fds=[listener.fileno()], app="slow_to_load:app")
    wait_until((tmp_path / "loading").exists, "the import", detail=worker.output)
    worker.signal(signal.SIGHUP)
    went_on.touch()
    supervisor.wait_ready(worker)
    assert json.loads(fetch(listener, trusting(certificates / "ca.pem"))[1]) == worker.pid


def test_who_stops_half_way_holds_up_no_one_on_a_server_without_threads(supervisor, listener, certificates):
    worker = supervisor.start_ready("--backend", "wsgiref", *flags(certificates), fds=[listener.fileno()])
    context = trusting(certificates / "ca.pem")
    with (
        socket.create_connection(listener.getsockname(), timeout=PATIENCE_S) as half,
        socket.create_connection(listener.getsockname(), timeout=PATIENCE_S) as sock,
        context.wrap_socket(sock, server_hostname="127.0.0.1") as shaken,
    ):
        half.sendall(b"\x16\x03\x01")
        half.setblocking(False)
        assert json.loads(fetch(listener, context)[1]) == worker.pid
        # Neither was ended for the others' sake; who says something after the handshake is served.
        with pytest.raises(BlockingIOError):
            half.recv(1)
        shaken.settimeout(PATIENCE_S)
        shaken.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert shaken.recv(4096).startswith(b"HTTP/1.0 200 ")


@serving_backend
def test_a_client_shows_its_certificate(supervisor, listener, certificates, backend):
    options = ["--ca-certs", str(certificates / "ca.pem"), "--cert-reqs", "required", "--ciphers", "ECDHE+AESGCM"]
    supervisor.start_ready("--backend", backend, *flags(certificates), *options, fds=[listener.fileno()])
    context = trusting(certificates / "ca.pem")
    with pytest.raises((OSError, http.client.HTTPException)):
        fetch(listener, context)
    context.load_cert_chain(certificates / "client.pem", certificates / "client.key")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    environ = json.loads(fetch(listener, context, "/environ")[1])
    assert environ["SSL_CLIENT_VERIFY"] == "SUCCESS"
    assert environ["SSL_CLIENT_S_DN"] == "CN=someone,O=Comma\\, Inc,C=DE"
    assert environ["SSL_CLIENT_I_DN"] == "CN=test authority,O=Circus"
    assert environ["SSL_CLIENT_CERT"].startswith("-----BEGIN CERTIFICATE-----")
    assert "GCM" in environ["SSL_CIPHER"]
    assert environ["SSL_PROTOCOL"] == "TLSv1.2"


@serving_backend
def test_a_file_through_tls_is_whole(supervisor, listener, certificates, tmp_path, backend):
    content = bytes(range(256)) * 9000
    (tmp_path / "file").write_bytes(content)
    app = f'tests.integration.chaussette.apps:file_app("{tmp_path}/file")'
    supervisor.start_ready("--backend", backend, *flags(certificates), fds=[listener.fileno()], app=app)
    received = fetch(listener, trusting(certificates / "ca.pem"))[1]
    assert hashlib.sha256(received).digest() == hashlib.sha256(content).digest()


@keeping_backend
def test_a_request_in_flight_and_idle_connections_at_sigterm(supervisor, listener, certificates, backend):
    worker = supervisor.start_ready(
        "--backend", backend, "--keepalive-drain", "0.3", *flags(certificates), fds=[listener.fileno()]
    )
    context = trusting(certificates / "ca.pem")
    idle = http.client.HTTPSConnection(*listener.getsockname(), timeout=PATIENCE_S, context=context)
    idle.request("GET", "/")
    idle.getresponse().read()
    silent = socket.create_connection(listener.getsockname(), timeout=PATIENCE_S)
    busy = http.client.HTTPSConnection(*listener.getsockname(), timeout=PATIENCE_S, context=context)
    busy.request("GET", "/sleep?s=1")
    # Served after the busy one, so that it has reached the application.
    idle.request("GET", "/")
    idle.getresponse().read()
    worker.signal(signal.SIGTERM)
    assert busy.getresponse().status == 200
    assert worker.wait_exit() == 0
    for each in (idle, silent, busy):
        each.close()


@keeping_backend
def test_a_handshake_that_ends_after_sigterm_gets_its_answer(supervisor, listener, certificates, backend):
    options = ["--keepalive-drain", "20", "--graceful-timeout", "30", *flags(certificates)]
    worker = supervisor.start_ready("--backend", backend, *options, fds=[listener.fileno()])
    with socket.create_connection(listener.getsockname(), timeout=PATIENCE_S) as sock:
        worker.signal(signal.SIGTERM)
        while supervisor.receive(worker).get("STOPPING") != "1":
            pass
        with trusting(certificates / "ca.pem").wrap_socket(sock, server_hostname="127.0.0.1") as wrapped:
            wrapped.sendall(b"GET /sleep?s=0.5 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert wrapped.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert worker.wait_exit() == 0


@serving_backend
def test_no_request_fails_while_workers_are_replaced(supervisor, listener, certificates, backend):
    def start():
        return supervisor.start_ready("--backend", backend, *flags(certificates), fds=[listener.fileno()])

    workers = [start(), start()]
    with wrk(listener.getsockname()[1], keep_alive=backend != "wsgiref", scheme="https") as outcome:
        for _ in range(6):
            workers.append(start())
            old = workers.pop(0)
            old.signal(signal.SIGTERM)
            assert old.wait_exit() == 0, old.output()
    assert outcome.errors == []
    assert outcome.requests > 6


@pytest.mark.parametrize("backend", [each for each in BACKENDS if each not in SERVING])
def test_a_backend_without_it_refuses(supervisor, listener, certificates, backend):
    worker = supervisor.start("--backend", backend, *flags(certificates), fds=[listener.fileno()])
    assert worker.wait_exit() == 2
    assert f"backend '{backend}' serves no https; choose gevent, fastgevent or wsgiref" in worker.output()


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--keyfile", "{folder}/server.key"], 2, "--keyfile: without --certfile there is no TLS"),
        (["--certfile", "{folder}/none.pem"], 2, "none.pem: there is no such file"),
        (["--certfile", "{folder}/server.pem", "--cert-reqs", "required"], 2, "needs --ca-certs"),
        (["--certfile", "{folder}/server.pem", "--cert-reqs", "perhaps"], 2, "not one of none, optional, required"),
        (["--certfile", "{folder}/server.pem"], 1, "--certfile {folder}/server.pem, --keyfile {folder}/server.pem:"),
        (["--certfile", "{folder}/server.pem", "--keyfile", "{folder}/client.key"], 1, "KEY_VALUES_MISMATCH"),
        (["--certfile", "{folder}/server.pem", "--keyfile", "{folder}/server.key", "--ciphers", "odd"], 1, "--ciphers"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_served(supervisor, listener, certificates, options, status, message):
    options = [each.format(folder=certificates) for each in options]
    worker = supervisor.start(*options, fds=[listener.fileno()])
    assert worker.wait_exit() == status
    assert message.format(folder=certificates) in worker.output()
    assert "Traceback" not in worker.output()
