"""What a worker tells its supervisor over NOTIFY_SOCKET."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from tests.integration.chaussette.workers import APP, BACKENDS, ROOT
from tests.support.processes import PYTHON, running

every_backend = pytest.mark.parametrize("backend", BACKENDS)


@every_backend
def test_ready_with_pid_and_status_then_stopping(supervisor, listener, backend):
    worker = supervisor.start("--backend", backend, fds=[listener.fileno()])
    message = supervisor.wait_ready(worker)
    assert message["MAINPID"] == str(worker.pid)
    assert backend in message["STATUS"]
    worker.signal(signal.SIGTERM)
    assert supervisor.receive(worker)["STOPPING"] == "1"


def test_no_ready_from_a_worker_whose_application_fails(supervisor, listener):
    worker = supervisor.start(fds=[listener.fileno()], app="tests.integration.chaussette.apps:nothing")
    assert worker.wait_exit() == 1
    with pytest.raises(AssertionError, match="no message"):
        supervisor.receive(worker)


def test_the_application_does_not_see_the_address(supervisor, listener):
    supervisor.start_ready(fds=[listener.fileno()])
    assert supervisor.client(listener.getsockname()).fetch_json("/process")["NOTIFY_SOCKET"] is None


@every_backend
def test_the_heart_beats_where_it_is_asked_to(supervisor, listener, backend):
    worker = supervisor.start_ready("--backend", backend, fds=[listener.fileno()], WATCHDOG_USEC="400000")
    assert [supervisor.receive(worker).get("WATCHDOG") for _ in range(3)] == ["1"] * 3


def test_the_heart_does_not_beat_for_another_pid(supervisor, listener):
    worker = supervisor.start_ready(fds=[listener.fileno()], WATCHDOG_USEC="20000", WATCHDOG_PID=str(os.getpid()))
    worker.signal(signal.SIGTERM)
    assert "WATCHDOG" not in supervisor.receive(worker)


def test_an_abstract_address(listener, tmp_path):
    name = f"chaussette-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        sock.settimeout(20)
        argv = [PYTHON, "-m", "chaussette", f"--fd={listener.fileno()}", APP]
        env = {"NOTIFY_SOCKET": f"@{name}"}
        with running(argv, tmp_path / "log", env=env, cwd=ROOT, pass_fds=[listener.fileno()]):
            assert b"READY=1" in sock.recv(4096)


def test_a_supervisor_that_is_gone_takes_no_worker_along(supervisor, listener):
    worker = supervisor.start(fds=[listener.fileno()], NOTIFY_SOCKET=str(supervisor.run_dir / "nobody"))
    worker.wait_output("Using wsgiref as a backend")
    assert supervisor.client(listener.getsockname()).fetch_json("/") == worker.pid
