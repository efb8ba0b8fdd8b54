"""How a worker ends: by itself once every request is answered, in time, and with the right exit status."""

from __future__ import annotations

import signal
import socket
import stat
import threading
from pathlib import Path

import pytest

from tests.integration.chaussette.workers import APP, BACKENDS, Client
from tests.support.processes import PYTHON
from tests.support.waiting import wait_until

every_backend = pytest.mark.parametrize("backend", BACKENDS)
keeping_backend = pytest.mark.parametrize("backend", [each for each in BACKENDS if each != "wsgiref"])


class Slow:
    """A request in a thread of its own that has reached the application."""

    def __init__(self, client: Client, seconds: float, tmp_path: Path) -> None:
        self._client = client
        self.response = None
        self.error: Exception | None = None
        begun = tmp_path / "begun"
        self._thread = threading.Thread(target=self._fetch, args=(f"/sleep?s={seconds}&touch={begun}",), daemon=True)
        self._thread.start()
        wait_until(begun.exists, "the request in the application")

    def _fetch(self, path: str) -> None:
        try:
            self.response, _ = self._client.fetch(path)
        except Exception as error:
            self.error = error

    def wait(self):
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.response


@every_backend
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_request_in_flight_is_answered(supervisor, listener, tmp_path, backend, signum):
    worker = supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    slow = Slow(supervisor.client(listener.getsockname()), 1, tmp_path)
    worker.signal(signum)
    assert slow.wait().status == 200, slow.error
    assert worker.wait_exit() == 0
    assert "every request was answered" in worker.output()


@every_backend
def test_a_stopping_worker_leaves_new_connections_to_the_others(supervisor, listener, tmp_path, backend):
    old = supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    slow = Slow(supervisor.client(listener.getsockname()), 2, tmp_path)
    old.signal(signal.SIGTERM)
    while supervisor.receive(old).get("STOPPING") != "1":
        pass
    new = supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    assert [supervisor.client(listener.getsockname()).fetch_json("/") for _ in range(5)] == [new.pid] * 5
    assert slow.wait().status == 200


@keeping_backend
def test_the_last_response_on_a_kept_connection_says_close(supervisor, listener, backend):
    worker = supervisor.start_ready("--backend", backend, "--keepalive-drain", "10", fds=[listener.fileno()])
    client = supervisor.client(listener.getsockname())
    response, _ = client.fetch("/")
    assert (response.headers["Connection"] or "").lower() in ("", "keep-alive")
    worker.signal(signal.SIGTERM)
    while supervisor.receive(worker).get("STOPPING") != "1":
        pass
    # What the signal handler says is a moment earlier than what the loop does.
    statuses = []
    while client.sock is not None:
        response, _ = client.fetch("/")
        statuses.append(response.status)
    assert set(statuses) == {200}
    assert response.headers["Connection"].lower() == "close"
    assert worker.wait_exit() == 0


@keeping_backend
def test_an_idle_connection_is_ended_after_the_drain_time(supervisor, listener, backend):
    worker = supervisor.start_ready("--backend", backend, "--keepalive-drain", "0.3", fds=[listener.fileno()])
    client = supervisor.client(listener.getsockname())
    client.fetch("/")
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 0
    assert client.sock.recv(1) == b""


@every_backend
def test_a_connection_that_never_spoke_does_not_hold_up_the_end(supervisor, listener, backend):
    worker = supervisor.start_ready("--backend", backend, "--keepalive-drain", "0.3", fds=[listener.fileno()])
    with socket.create_connection(listener.getsockname(), timeout=20):
        # Served after it, so that it has been accepted.
        supervisor.client(listener.getsockname()).fetch("/")
        worker.signal(signal.SIGTERM)
        assert worker.wait_exit() == 0


@every_backend
def test_what_outlasts_the_graceful_timeout_is_cut_and_counted(supervisor, listener, tmp_path, backend):
    worker = supervisor.start_ready("--backend", backend, "--graceful-timeout", "0.3", fds=[listener.fileno()])
    slow = Slow(supervisor.client(listener.getsockname()), 60, tmp_path)
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 1
    assert "graceful timeout of 0.3 s is over: cut 1 request in flight" in worker.output()
    assert slow.wait() is None


@every_backend
def test_sigquit_ends_at_once(supervisor, listener, tmp_path, backend):
    worker = supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    Slow(supervisor.client(listener.getsockname()), 60, tmp_path)
    worker.signal(signal.SIGQUIT)
    assert worker.wait_exit() == 1
    assert "SIGQUIT: cut 1 request in flight" in worker.output()


@every_backend
def test_a_second_signal_ends_at_once(supervisor, listener, tmp_path, backend):
    worker = supervisor.start_ready("--backend", backend, fds=[listener.fileno()])
    Slow(supervisor.client(listener.getsockname()), 60, tmp_path)

    def ended_by_signals():
        worker.signal(signal.SIGINT)
        return not worker.is_running()

    wait_until(ended_by_signals, "the end by a second SIGINT", pause_s=0.2)
    assert worker.wait_exit() == 1
    assert "second signal (SIGINT)" in worker.output()


def test_sigterm_while_the_application_is_imported(supervisor, listener, tmp_path):
    (tmp_path / "slowapp.py").write_text("print('importing'); import time; time.sleep(60)")
    worker = supervisor.start("--python-path", str(tmp_path), fds=[listener.fileno()], app="slowapp:app")
    worker.wait_output("importing")
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 0


@every_backend
def test_a_signal_that_interrupts_no_wait_of_the_server_ends_it(supervisor, listener, backend):
    """It went to a thread of the application; one that comes just before the wait looks the same to the server."""
    app = "tests.integration.chaussette.threaded_app:app"
    worker = supervisor.start_ready("--backend", backend, fds=[listener.fileno()], app=app)
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 0


@every_backend
def test_the_hooks_run_around_the_serving(supervisor, listener, tmp_path, backend):
    hooks = "tests.integration.chaussette.apps"
    argv = ["--pre-hook", f"{hooks}.hook_before", "--post-hook", f"{hooks}:hook_after", "--backend", backend]
    worker = supervisor.start_argv(
        [PYTHON, "-m", "chaussette", f"--fd={listener.fileno()}", *argv, APP, str(tmp_path / "hooks")],
        fds=[listener.fileno()],
    )
    supervisor.wait_ready(worker)
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 0
    assert (tmp_path / "hooks").read_text() == "before after"


def test_the_post_hook_runs_where_requests_are_cut(supervisor, listener, tmp_path):
    hooks = "tests.integration.chaussette.apps"
    argv = ["--pre-hook", f"{hooks}.hook_before", "--post-hook", f"{hooks}.hook_after"]
    worker = supervisor.start_argv(
        [PYTHON, "-m", "chaussette", f"--fd={listener.fileno()}", *argv, APP, str(tmp_path / "hooks")],
        fds=[listener.fileno()],
    )
    supervisor.wait_ready(worker)
    Slow(supervisor.client(listener.getsockname()), 60, tmp_path)
    worker.signal(signal.SIGQUIT)
    assert worker.wait_exit() == 1
    assert (tmp_path / "hooks").read_text() == "before after"


@every_backend
def test_an_own_unix_socket_is_made_and_removed(supervisor, backend):
    path = supervisor.run_dir / "own.sock"
    worker = supervisor.start_ready("--backend", backend, "--host", f"unix:{path}")
    assert supervisor.client(str(path)).fetch_json("/") == worker.pid
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 0
    assert not path.exists()


@every_backend
def test_what_waits_in_the_accept_queue_of_an_own_socket_is_answered(supervisor, backend, tmp_path):
    """Nobody else would serve it. Here the worker is busy with one request while more connect."""
    path = str(supervisor.run_dir / "own.sock")
    worker = supervisor.start_ready("--backend", backend, "--host", f"unix:{path}")
    slow = Slow(supervisor.client(path), 1, tmp_path)
    waiting = [supervisor.client(path) for _ in range(20)]
    for client in waiting:
        client.request("GET", "/")
    worker.signal(signal.SIGTERM)
    assert [client.getresponse().status for client in waiting] == [200] * 20
    assert slow.wait().status == 200
    assert worker.wait_exit() == 0


@every_backend
def test_what_waits_for_one_of_several_sockets_on_an_address_is_answered(supervisor, backend, tmp_path):
    """The supervisor holds it, too, and accepts nothing: it closes it when the worker is gone."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True, backlog=64) as sock:
        worker = supervisor.start_ready("--backend", backend, fds=[sock.fileno()])
        address = sock.getsockname()
        slow = Slow(supervisor.client(address), 1, tmp_path)
        waiting = [supervisor.client(address) for _ in range(20)]
        for client in waiting:
            client.request("GET", "/")
        worker.signal(signal.SIGTERM)
        assert [client.getresponse().status for client in waiting] == [200] * 20
        assert slow.wait().status == 200
        assert worker.wait_exit() == 0


def test_a_stale_unix_socket_is_replaced_and_one_in_use_is_not(supervisor):
    path = supervisor.run_dir / "own.sock"
    first = supervisor.start_ready("--host", f"unix:{path}")
    second = supervisor.start("--host", f"unix:{path}")
    assert second.wait_exit() == 1
    assert "another process listens there" in second.output()
    first.kill_group()
    assert stat.S_ISSOCK(path.stat().st_mode)
    third = supervisor.start_ready("--host", f"unix:{path}")
    assert supervisor.client(str(path)).fetch_json("/") == third.pid
