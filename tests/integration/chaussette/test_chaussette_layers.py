"""The layers around the application, on every backend the same."""

from __future__ import annotations

import json
import signal
import time

import pytest

from chaussette.backends.registry import backend_class
from tests.integration.chaussette.test_chaussette_websocket import APP as SOCKETS
from tests.integration.chaussette.test_chaussette_websocket import check_echo
from tests.integration.chaussette.workers import BACKENDS
from tests.support.waiting import wait_until

# Whose requests can be interrupted.
INTERRUPTIBLE = ("gevent", "fastgevent", "eventlet")
VALIDATED = "tests.integration.chaussette.apps:validated_routes"


@pytest.mark.parametrize("backend", BACKENDS)
def test_all_of_them_on_every_backend(supervisor, listener, tmp_path, backend):
    path = tmp_path / "access.log"
    options = ["--request-timeout=20"] if backend in INTERRUPTIBLE else []
    worker = supervisor.start_ready(
        "--backend", backend, "--trusted-proxies=127.0.0.1", "--access-log", str(path), "--access-log-format=json",
        "--health-path=/-/health", *options, fds=[listener.fileno()], app=VALIDATED,
    )  # fmt: skip
    client = supervisor.client(listener.getsockname())
    headers = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
    environ = json.loads(client.fetch("/environ", **headers)[1])
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("192.0.2.7", "https")
    assert len(environ["HTTP_X_REQUEST_ID"]) == 32
    response, body = client.fetch("/-/health")
    assert (response.status, body) == (200, b"ok\n")
    assert client.fetch("/stream?chunks=2")[1] == b"x" * 131072
    assert client.fetch("/", "HEAD", **{"X-Request-ID": "mine", "User-Agent": 'a"b'})[0].status == 200
    lines = wait_until(lambda: _lines(path, 3), "three lines of the log")
    first, stream, head = lines
    assert (first["remote_addr"], first["request_id"], first["status"]) == (
        "192.0.2.7", environ["HTTP_X_REQUEST_ID"], 200,
    )  # fmt: skip
    assert (stream["target"], stream["bytes"]) == ("/stream?chunks=2", 131072)
    assert (head["method"], head["request_id"], head["bytes"], head["user_agent"]) == ("HEAD", "mine", 0, 'a"b')
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 0
    assert "Traceback" not in worker.output()


def _lines(path, count):
    found = path.read_text().splitlines()
    return [json.loads(each) for each in found] if len(found) >= count else None


@pytest.mark.parametrize("backend", INTERRUPTIBLE)
def test_a_request_that_takes_too_long(supervisor, listener, backend):
    supervisor.start_ready("--backend", backend, "--request-timeout=0.5", fds=[listener.fileno()])
    client = supervisor.client(listener.getsockname())
    began = time.monotonic()
    assert client.fetch("/sleep?s=60")[0].status == 504
    assert time.monotonic() - began < 50
    assert client.fetch("/")[0].status == 200


def test_a_backend_that_cannot_interrupt_a_request_refuses_to(supervisor, listener):
    assert [name for name in BACKENDS if backend_class(name).request_limit()] == list(INTERRUPTIBLE)
    worker = supervisor.start("--backend", "waitress", "--request-timeout=0.5", fds=[listener.fileno()])
    assert worker.wait_exit() == 2
    assert "--request-timeout: backend waitress cannot interrupt a request" in worker.output()


@pytest.mark.parametrize("backend", ["gevent", "fastgevent"])
def test_a_websocket_passes_all_of_them(supervisor, listener, tmp_path, backend):
    supervisor.start_ready(
        "--backend", backend, "--trusted-proxies=127.0.0.1", "--access-log", str(tmp_path / "log"),
        "--access-log-format={target} {status}", "--health-path=/-/health", "--request-timeout=20",
        fds=[listener.fileno()], app=SOCKETS,
    )  # fmt: skip
    check_echo(listener)
    assert supervisor.client(listener.getsockname()).fetch("/-/health")[0].status == 200
    assert wait_until(lambda: (tmp_path / "log").read_text(), "the line of the log").startswith("/echo ")
