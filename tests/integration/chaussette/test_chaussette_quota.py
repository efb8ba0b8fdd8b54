"""`--max-requests`: a worker that nobody replaces ends by itself, one that is heard asks and serves on."""

from __future__ import annotations

import signal

import pytest

from tests.integration.chaussette.workers import BACKENDS
from tests.support.waiting import wait_until


@pytest.mark.parametrize("backend", BACKENDS)
def test_alone_it_answers_what_it_has_begun_and_ends(supervisor, listener, backend):
    worker = supervisor.start(
        "--backend", backend, "--max-requests", "5", fds=[listener.fileno()], NOTIFY_SOCKET="",
        app="tests.integration.chaussette.apps:app",
    )  # fmt: skip
    for _ in range(5):
        assert supervisor.client(listener.getsockname()).fetch("/")[0].status == 200
    assert worker.wait_exit() == 0, worker.output()
    assert "Stopping: 5 requests" in worker.output()


def test_to_systemd_it_is_alone(supervisor, listener):
    directory = supervisor.run_dir / "systemd"
    directory.mkdir()
    worker = supervisor.start(
        "--max-requests", "1", fds=[listener.fileno()], NOTIFY_SOCKET=str(directory / "notify")
    )  # fmt: skip
    assert supervisor.client(listener.getsockname()).fetch("/")[0].status == 200
    assert worker.wait_exit() == 0, worker.output()


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_supervisor_is_asked_and_the_worker_serves_on(supervisor, listener, backend):
    worker = supervisor.start_ready("--backend", backend, "--max-requests", "3", fds=[listener.fileno()])
    for _ in range(6):
        assert supervisor.client(listener.getsockname()).fetch("/")[0].status == 200
    assert supervisor.receive(worker) == {"X_CIRCUS_REPLACE": "3 requests"}
    worker.signal(signal.SIGTERM)
    assert supervisor.receive(worker)["STOPPING"] == "1"
    assert worker.wait_exit() == 0, worker.output()


def test_a_supervisor_that_is_away_is_asked_when_it_is_back(supervisor, listener):
    """What cannot be said is said with a later request."""
    address = supervisor.run_dir / "notify"
    away = supervisor.run_dir / "away"
    worker = supervisor.start_ready("--max-requests", "1", fds=[listener.fileno()])
    address.rename(away)
    assert supervisor.client(listener.getsockname()).fetch("/")[0].status == 200
    away.rename(address)
    assert supervisor.client(listener.getsockname()).fetch("/")[0].status == 200
    wait_until(lambda: supervisor.receive(worker) == {"X_CIRCUS_REPLACE": "1 requests"}, "the wish")


def test_a_number_that_is_none_is_refused(supervisor):
    worker = supervisor.start("--port", "0", CHAUSSETTE_MAX_REQUESTS="-5")
    assert worker.wait_exit() == 2
    assert "CHAUSSETTE_MAX_REQUESTS: '-5' is not a whole number of 0 or more" in worker.output()
