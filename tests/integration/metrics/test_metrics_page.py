"""The page of metrics of a real stack: what promtool says of it, who may read it, and that it counts."""

from __future__ import annotations

import http.client
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.stack import Room, RunningStack, room
from tests.support.waiting import PATIENCE_S, wait_until

EXAMPLES = Path(__file__).parents[3] / "examples" / "monitoring"
TOKEN = "a-token-of-the-test"
_APP = """\
import os, time
def app(environ, start_response):
    while environ["PATH_INFO"] == "/slow" and not os.path.exists("answer"):
        time.sleep(0.02)
    start_response("404 Not Found" if environ["PATH_INFO"] == "/missing" else "200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("metrics")) as made:
        yield made


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def stack(here: Room, port: int) -> RunningStack:
    (here.directory / "counted.py").write_text(f"{_APP}\n\ndef make(_config, **_settings):\n    return app\n")
    token = here.directory / "token"
    token.write_text(f"{TOKEN}\n")
    token.chmod(0o600)
    ini = here.directory / "metrics.ini"
    ini.write_text(
        f"""\
[app:main]
paste.app_factory = counted:make
[server:main]
use = egg:circus-stack
listen = 127.0.0.1:0
backend = wsgiref
workers = 1
[circus]
metrics = 127.0.0.1:{port}
metrics_token_file = token
stats_interval = 0.2
[watcher:idle]
cmd = sleep 1000
"""
    )
    made = here.serve(str(ini))
    wait_until(lambda: page(port) is not None, "the page", detail=made.output, timeout_s=3 * PATIENCE_S)
    return made


def get(port: int, path: str = "/metrics", token: str | None = TOKEN, method: str = "GET") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request(method, path, headers={"Authorization": f"Bearer {token}"} if token else {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def page(port: int) -> str | None:
    try:
        status, text = get(port)
    except OSError:
        return None
    return text if status == 200 else None


def value(port: int, series: str) -> float | None:
    """The value of a series, named as it stands on the page."""
    match = re.search(rf"^{re.escape(series)} (\S+)$", page(port) or "", re.MULTILINE)
    return None if match is None else float(match[1])


def promtool(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    assert program is not None, "tools/system-packages test installs it"
    return subprocess.run([program, *words], input=text, capture_output=True, text=True, timeout=60, check=False)


def test_requests_states_and_processes_are_counted(stack: RunningStack, port: int) -> None:
    requests = 'circus_http_requests_total{status="2xx",watcher="web"}'
    # The first look at a worker only sets the mark that is counted from.
    wait_until(
        lambda: stack.client().fetch("/")[0].status == 200 and value(port, requests), "requests", detail=stack.output
    )
    before = value(port, 'circus_http_requests_total{status="4xx",watcher="web"}')
    assert stack.client().fetch("/missing")[0].status == 404
    wait_until(
        lambda: value(port, 'circus_http_requests_total{status="4xx",watcher="web"}') == (before or 0) + 1, "a 404"
    )
    assert value(port, 'circus_watcher_state{state="active",watcher="idle"}') == 1
    assert value(port, 'circus_watcher_ready_processes{watcher="idle"}') == 1
    assert (value(port, 'circus_watcher_resident_memory_bytes{watcher="idle"}') or 0) > 0
    assert value(port, "circus_up") == 1


def test_a_worker_that_has_a_request_is_busy(here: Room, stack: RunningStack, port: int) -> None:
    host, web_port = stack.address()
    slow = http.client.HTTPConnection(host, web_port, timeout=2 * PATIENCE_S)
    try:
        slow.request("GET", "/slow")
        for series in ("circus_watcher_busy_workers", "circus_http_requests_in_flight"):
            wait_until(
                lambda series=series: re.search(f"{series}{{.*}} 1.0", page(port) or ""), series, detail=stack.output
            )
        (here.directory / "answer").touch()
        assert slow.getresponse().read() == b"ok"
    finally:
        (here.directory / "answer").touch()
        slow.close()
    wait_until(lambda: re.search("circus_watcher_busy_workers{.*} 0.0", page(port) or ""), "an idle worker")


def test_a_process_that_dies_counts_as_a_restart(stack: RunningStack, port: int) -> None:
    series = 'circus_watcher_restarts_total{watcher="idle"}'
    before = value(port, series)
    [pid] = stack.wait_pids(1, watcher="idle")
    stack.call("signal", name="idle", pid=pid, signum="KILL")
    stack.wait_pids(1, other_than=[pid], watcher="idle")
    wait_until(lambda: value(port, series) == (before or 0) + 1, "a restart", detail=stack.output)
    assert value(port, 'circus_watcher_exits_total{result="signaled",watcher="idle"}') == 1


def test_promtool_finds_nothing_to_complain_of(stack: RunningStack, port: int) -> None:
    done = promtool("check", "metrics", text=page(port))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    rules = promtool("check", "rules", str(EXAMPLES / "alerts.yml"))
    assert rules.returncode == 0, rules.stdout + rules.stderr
    config = promtool("check", "config", "--syntax-only", str(EXAMPLES / "prometheus.yml"))
    assert config.returncode == 0, config.stdout + config.stderr


def test_without_the_token_nothing_is_told(stack: RunningStack, port: int) -> None:
    assert get(port, token=None)[0] == 401
    status, text = get(port, token="another")
    assert (status, "circus" in text) == (401, False)
    assert get(port, path="/")[0] == 404
    assert get(port, method="POST")[0] == 405
    assert get(port, method="HEAD") == (200, "")


def test_what_is_no_request_is_dropped_and_harms_nobody(stack: RunningStack, port: int) -> None:
    silent = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) for _ in range(8)]
    for data, answer in ((b"x" * 40_000 + b"\r\n\r\n", b"400"), (b"\x00\xff\r\n\r\n", b"400")):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as peer:
            peer.sendall(data)
            assert answer in peer.recv(100)
    # Those that say nothing are let go, and hold up nobody meanwhile.
    assert page(port) is not None
    for each in silent:
        assert each.recv(100) == b""
        each.close()


def test_it_ends_with_the_stack(here: Room, stack: RunningStack) -> None:
    assert stack.stop(signal.SIGTERM) == 0
    here.assert_nothing_left()
