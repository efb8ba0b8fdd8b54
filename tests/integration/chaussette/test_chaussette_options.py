"""Options of Chaussette 1.3 that no other test of this folder looks at, as its reference page has them."""

from __future__ import annotations

import signal

import pytest

from tests.integration.chaussette.workers import APP


@pytest.mark.parametrize(
    ("name", "stand_in"),
    [("geventwebsocket", "gevent"), ("geventws4py", "gevent"), ("socketio", "gevent"), ("tornado", "waitress")],
)
def test_a_backend_that_is_gone_is_served_by_another(supervisor, listener, name, stand_in):
    worker = supervisor.start_ready("--backend", name, fds=[listener.fileno()])
    assert supervisor.client(listener.getsockname()).fetch_json("/") == worker.pid
    assert f"{name} is no backend any more; {stand_in} takes its place" in worker.output()
    assert f"Using {stand_in} as a backend" in worker.output()


def test_a_socket_of_ipv6_with_a_backlog(supervisor):
    options = ["--address-family", "AF_INET6", "--socket-type", "SOCK_STREAM", "--host", "::1", "--port", "0"]
    worker = supervisor.start_ready(*options, "--backlog", "5")
    port = int(worker.wait_output("Serving on http://[::1]:").split("[::1]:")[1].split()[0])
    assert supervisor.client(("::1", port)).fetch_json("/environ")["REMOTE_ADDR"] == "::1"


@pytest.mark.parametrize("backend", ["gevent", "fastgevent", "eventlet"])
def test_spawn_bounds_the_connections_that_are_served(supervisor, listener, tmp_path, backend):
    worker = supervisor.start_ready("--backend", backend, "--spawn", "1", fds=[listener.fileno()])
    slow = supervisor.client(listener.getsockname())
    slow.request("GET", f"/sleep?s=1&touch={tmp_path}/begun", headers={"Connection": "close"})
    second = supervisor.client(listener.getsockname())
    second.request("GET", "/")
    assert slow.getresponse().status == 200
    assert second.getresponse().status == 200
    second.close()
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 0


def test_a_failing_pre_hook_stops_the_start(supervisor, listener):
    worker = supervisor.start("--pre-hook", "tests.integration.chaussette.apps.fail", fds=[listener.fileno()], app=APP)
    assert worker.wait_exit() != 0
    assert "READY" not in worker.output()
