"""What every backend owes an application and a client, on each kind of socket."""

from __future__ import annotations

import json
import os
import socket

import pytest

from tests.integration.chaussette.workers import BACKENDS, listening

every_backend = pytest.mark.parametrize("backend", BACKENDS)
MODULE = "tests.integration.chaussette.apps"
# What a thread or a greenlet more means to the application.
# bjoern serves one socket, and reads the address of any peer as if it were one of IPv4: it names none of IPv6.
several_sockets = pytest.mark.parametrize("backend", [each for each in BACKENDS if each != "bjoern"])
SINGLE_THREADED = ("wsgiref", "meinheld", "bjoern")
# Their parsers in C know a list of methods, and refuse the others.
LISTED_METHODS = ("fastgevent", "meinheld", "bjoern")
# Their own parsers hand CONNECT on; nothing here could tell it before them.
CONNECTING = ("waitress", "bjoern")


@every_backend
def test_environ_on_ipv4(supervisor, listener, backend):
    supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    client = supervisor.client(listener.getsockname())
    environ = client.fetch_json("/environ?a=b")
    assert environ["SERVER_NAME"] == "127.0.0.1"
    assert environ["SERVER_PORT"] == str(listener.getsockname()[1])
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["QUERY_STRING"] == "a=b"
    assert environ["HTTP_HOST"] == "app.example"
    assert environ["wsgi.url_scheme"] == "http"
    assert environ["wsgi.multiprocess"] is True
    assert environ["wsgi.multithread"] is (backend not in SINGLE_THREADED)


@every_backend
def test_environ_on_ipv6(supervisor, backend):
    with listening(("::1", 0)) as sock:
        supervisor.start_ready("--backend", backend, fds=[sock.fileno()])
        environ = supervisor.client(sock.getsockname()).fetch_json("/environ")
        assert environ["SERVER_PORT"] == str(sock.getsockname()[1])
    assert environ["SERVER_NAME"] == "::1"
    assert environ["REMOTE_ADDR"] == ("" if backend == "bjoern" else "::1")


@every_backend
def test_environ_on_a_unix_socket(supervisor, backend):
    path = str(supervisor.run_dir / "app.sock")
    with listening(path) as sock:
        supervisor.start_ready("--backend", backend, fds=[sock.fileno()])
        environ = supervisor.client(path).fetch_json("/environ")
    assert environ["SERVER_NAME"] == "localhost"
    assert environ["SERVER_PORT"] == "80"
    assert environ["REMOTE_ADDR"] == ""
    assert "REMOTE_PORT" not in environ or environ["REMOTE_PORT"] in ("", "0")


@every_backend
def test_each_client_is_told_from_the_others(supervisor, listener, backend):
    """meinheld's own REMOTE_ADDR is that of whoever connected last."""
    supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    clients = {host: supervisor.client(listener.getsockname()) for host in ("127.0.0.2", "127.0.0.3")}
    for host, client in clients.items():
        client.sock = socket.create_connection(listener.getsockname(), timeout=20, source_address=(host, 0))
    seen = {host: client.fetch_json("/environ")["REMOTE_ADDR"] for host, client in clients.items()}
    assert seen == {host: host for host in clients}


@several_sockets
def test_several_sockets_in_one_worker(supervisor, listener, backend):
    path = str(supervisor.run_dir / "app.sock")
    with listening(path) as unix, listening(("::1", 0)) as six:
        supervisor.start_ready("--backend", backend, fds=[listener.fileno(), unix.fileno(), six.fileno()])
        names = [supervisor.client(each.getsockname()).fetch_json("/environ") for each in (listener, unix, six)]
    assert [each["SERVER_NAME"] for each in names] == ["127.0.0.1", "localhost", "::1"]
    assert [each["REMOTE_ADDR"] for each in names] == ["127.0.0.1", "", "::1"]


def test_bjoern_refuses_a_second_socket(supervisor, listener):
    with listening(("127.0.0.1", 0)) as other:
        worker = supervisor.start("--backend", "bjoern", fds=[listener.fileno(), other.fileno()])
        assert worker.wait_exit() == 2
    assert "backend 'bjoern' serves one socket and was given 2" in worker.output()


@every_backend
def test_multiprocess_can_be_told(supervisor, listener, backend):
    supervisor.start_ready("--backend", backend, "--no-multiprocess", fds=[listener.fileno()])
    assert supervisor.client(listener.getsockname()).fetch_json("/environ")["wsgi.multiprocess"] is False


@every_backend
def test_the_server_header_names_the_backend(supervisor, listener, backend):
    supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    response, _ = supervisor.client(listener.getsockname()).fetch("/")
    assert backend in response.headers["Server"]


@pytest.mark.parametrize("backend", ["wsgiref", "waitress", "gevent"])
def test_the_server_header_can_be_left_out(supervisor, listener, backend):
    supervisor.start_ready("--backend", backend, "--no-server-header", fds=[listener.fileno()])
    response, _ = supervisor.client(listener.getsockname()).fetch("/")
    assert response.headers["Server"] is None


@every_backend
@pytest.mark.parametrize("path", ["/", "/large?chunks=3", "/stream?chunks=3"])
def test_a_head_has_no_body(supervisor, listener, backend, path):
    supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    with socket.create_connection(listener.getsockname(), timeout=20) as sock:
        sock.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        received = b"".join(iter(lambda: sock.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0].split()[1] == b"200"
    assert body == b""


@every_backend
def test_the_next_request_follows_a_head_on_the_same_connection(supervisor, listener, backend):
    worker = supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    client = supervisor.client(listener.getsockname())
    response, body = client.fetch("/large?chunks=2", "HEAD")
    assert (response.status, body) == (200, b"")
    assert client.fetch_json("/") == worker.pid


@every_backend
def test_methods_reach_the_application_as_they_are_or_are_refused(supervisor, listener, backend):
    supervisor.start_ready("--backend", backend, fds=[listener.fileno()])

    def answer(method: str) -> tuple[int, str]:
        response, body = supervisor.client(listener.getsockname()).fetch("/environ", method)
        return response.status, json.loads(body)["REQUEST_METHOD"] if response.status == 200 else ""

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        assert answer(method) == (200, method)
    for method in ("get", "Get", "post"):
        assert answer(method) == (400, "")
    assert answer("ANYTHING") == ((400, "") if backend in LISTED_METHODS else (200, "ANYTHING"))
    assert answer("CONNECT") == ((200, "CONNECT") if backend in CONNECTING else (400, ""))
    # bjoern's list ends before it; meinheld's has it, and hands it on as another one.
    known = {"bjoern": (400, ""), "meinheld": (200, "GET")}
    assert answer("PURGE") == known.get(backend, (200, "PURGE"))


@every_backend
@pytest.mark.parametrize("size", [0, 1, 5000, 3_000_000])
def test_a_request_body_arrives_whole(supervisor, listener, backend, size):
    supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    sent = os.urandom(size)
    response, body = supervisor.client(listener.getsockname()).fetch("/echo", "POST", sent)
    assert (response.status, body) == (200, sent)


@every_backend
@pytest.mark.parametrize("path", ["/large?chunks=100", "/stream?chunks=100"])
def test_a_large_response_arrives_whole_beside_a_stalled_reader(supervisor, listener, backend, path):
    """The stalled reader fills its socket buffer; a single-threaded wsgiref can serve nobody else meanwhile."""
    options = ["--threads", "4"] if backend == "wsgiref" else []
    supervisor.start_ready("--backend", backend, *options, fds=[listener.fileno()])
    with socket.create_connection(listener.getsockname(), timeout=20) as stalled:
        stalled.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        stalled.recv(1)
        _, body = supervisor.client(listener.getsockname()).fetch(path)
    assert len(body) == 100 * 65536


@every_backend
def test_an_application_that_raises_is_a_500_and_the_worker_lives(supervisor, listener, backend):
    worker = supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    response, _ = supervisor.client(listener.getsockname()).fetch("/fail")
    assert response.status == 500
    assert supervisor.client(listener.getsockname()).fetch_json("/") == worker.pid
    assert "the application fails on purpose" in worker.output()


@every_backend
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_validator_finds_nothing(supervisor, listener, backend, method):
    worker = supervisor.start_ready("--backend", backend, fds=[listener.fileno()], app=f"{MODULE}:validated")
    body = b"a" * 7 if method == "POST" else None
    client = supervisor.client(listener.getsockname())
    response, content = client.fetch("/x?y=z", method, body, **{"Content-Type": "text/plain"})
    assert (response.status, content) == (200, b"7" if body else b"0"), worker.output()


@every_backend
def test_a_client_that_says_nothing_holds_up_nobody(supervisor, listener, backend):
    worker = supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    with socket.create_connection(listener.getsockname(), timeout=20):
        assert supervisor.client(listener.getsockname()).fetch_json("/") == worker.pid


def test_wsgiref_refuses_a_chunked_request(supervisor, listener):
    supervisor.start_ready(fds=[listener.fileno()])
    response, _ = supervisor.client(listener.getsockname()).fetch("/echo", "POST", **{"Transfer-Encoding": "chunked"})
    assert response.status == 411


def test_wsgiref_with_threads_serves_several_at_once(supervisor, listener, tmp_path):
    worker = supervisor.start_ready("--threads", "2", fds=[listener.fileno()])
    with socket.create_connection(listener.getsockname(), timeout=20) as slow:
        slow.sendall(f"GET /sleep?s=30&touch={tmp_path}/begun HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert supervisor.client(listener.getsockname()).fetch_json("/") == worker.pid


def test_gevent_patches_before_the_application_is_imported(supervisor, listener):
    supervisor.start_ready("--backend", "gevent", fds=[listener.fileno()])
    assert supervisor.client(listener.getsockname()).fetch_json("/process")["socket"].startswith("gevent")


def test_gevent_takes_nothing_after_a_websocket_for_http(supervisor, listener):
    supervisor.start_ready("--backend", "gevent", fds=[listener.fileno()], app=f"{MODULE}:upgrade")
    upgrade = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    frames_left_over = b"GET /second HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(listener.getsockname(), timeout=20) as sock:
        sock.sendall(upgrade + frames_left_over)
        received = b"".join(iter(lambda: sock.recv(4096), b""))
    assert received.count(b"HTTP/1.1") == 1
    assert received.startswith(b"HTTP/1.1 101")
    assert b"close" not in received


def test_gevent_can_be_told_not_to_patch(supervisor, listener):
    supervisor.start_ready("--backend", "gevent", "--no-monkey", fds=[listener.fileno()])
    assert supervisor.client(listener.getsockname()).fetch_json("/process")["socket"] == "socket"


@every_backend
def test_own_socket_by_host_and_port(supervisor, backend):
    worker = supervisor.start_ready("--backend", backend, "--host", "127.0.0.1", "--port", "0", "--backlog", "7")
    port = int(worker.wait_output("Serving on http://127.0.0.1:").split("127.0.0.1:")[1].split()[0])
    environ = supervisor.client(("127.0.0.1", port)).fetch_json("/environ")
    assert environ["SERVER_PORT"] == str(port)
    assert environ["wsgi.multiprocess"] is False


def test_what_the_application_prints_is_seen_at_once(supervisor, listener, tmp_path):
    (tmp_path / "talkative.py").write_text(
        "def app(environ, start_response):\n"
        "    print('a request came')\n"
        "    start_response('200 OK', [('Content-Length', '0')])\n"
        "    return []\n"
    )
    options = ["--python-path", str(tmp_path)]
    worker = supervisor.start_ready(*options, fds=[listener.fileno()], app="talkative:app", PYTHONUNBUFFERED="")
    supervisor.client(listener.getsockname()).fetch("/")
    worker.wait_output("a request came")
