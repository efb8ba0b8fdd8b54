"""The shipped plugins that count and measure: real statsd datagrams, a real Redis, a real web server."""

from __future__ import annotations

import http.server
import shutil
import socket
import threading
from collections.abc import Iterator

import pytest

from circus_stack.plugins.http_observer import HttpObserver
from circus_stack.plugins.redis_observer import RedisObserver
from circus_stack.plugins.statsd import FullStats, StatsdEmitter
from tests.support.ports import free_port
from tests.support.waiting import wait_until

JOB = {"name": "job", "cmd": "sleep 300", "numprocesses": 2}


def test_events_and_figures_reach_statsd(inside, statsd):
    inside.start(JOB)
    options = {**statsd.options, "application_name": "shop"}
    inside.plugin(StatsdEmitter, options)
    inside.plugin(FullStats, {**options, "loop_rate": "0.1"})
    inside.call("incr", name="job")

    statsd.wait("circus.shop.watcher.job.spawn:1|c")
    statsd.wait("circus.shop.watcher._stats.job.watchers_num:")
    size = statsd.wait("circus.shop.watcher._stats.job.mem_sum:")
    assert float(size.partition(":")[2].removesuffix("|g")) > 100_000


def test_redis_is_measured_and_restarted_when_it_hangs(inside, statsd, tmp_path):
    port = free_port()
    program = shutil.which("redis-server")
    inside.start(
        {
            "name": "cache",
            "cmd": f"{program} --port {port} --bind 127.0.0.1 --save '' --dir {tmp_path}",
            "stdout_stream": {"class": "FileStream", "filename": str(tmp_path / "log")},
            "ready": f"tcp:127.0.0.1:{port}",
        }
    )
    before = inside.pids("cache")
    inside.plugin(
        RedisObserver,
        {
            "redis_url": f"redis://127.0.0.1:{port}/0",
            "restart_on_timeout": "cache",
            "timeout": 0.5,
            "loop_rate": 0.1,
            **statsd.options,
        },
    )
    statsd.wait("circus.redis_observer.watcher.redis_stats.used_memory:")
    inside.call("signal", name="cache", signum="STOP")

    statsd.wait("circus.redis_observer.watcher.redis_stats.restart_on_error:1|c")
    # A process that is stopped gets SIGTERM only when it goes on.
    inside.call("signal", name="cache", signum="CONT")
    inside.wait_other(before, "cache")


class Answers(http.server.BaseHTTPRequestHandler):
    """200, or whatever the server's `status` says."""

    def do_GET(self) -> None:
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(b"x" * 100)

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[http.server.ThreadingHTTPServer]:
    """A web server on a port of the kernel's choice."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.status = 200  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_web_server_is_timed_and_its_watcher_restarted_on_an_error(inside, statsd, web):
    inside.start(JOB)
    before = inside.pids()
    url = f"http://127.0.0.1:{web.server_address[1]}/"
    inside.plugin(
        HttpObserver, {"check_url": url, "restart_on_error": "job", "loop_rate": 0.1, "timeout": 20, **statsd.options}
    )
    statsd.wait("circus.http_observer.watcher.http_stats.request_time:")
    assert inside.pids() == before
    web.status = 503

    statsd.wait("circus.http_observer.watcher.http_stats.error.503:1|c")
    inside.wait_other(before)


def test_what_somebody_has_stopped_is_not_restarted(inside, statsd):
    inside.start(JOB)
    inside.call("stop", name="job", waiting=True)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        inside.plugin(
            HttpObserver,
            {"check_url": url, "restart_on_error": "job", "timeout": 0.1, "loop_rate": 0.1, **statsd.options},
        )
        statsd.wait("circus.http_observer.watcher.http_stats.error.599:1|c")
        inside.log.wait("job is not restarted: it is stopped")

    assert inside.status() == "stopped"


def test_a_statsd_that_is_gone_costs_a_warning_and_no_event(inside):
    inside.start(JOB)
    inside.plugin(StatsdEmitter, {"host": "no.such.host.invalid"})
    for _ in range(3):
        inside.call("incr", name="job")
    inside.log.wait("nothing reaches statsd at no.such.host.invalid:8125")

    wait_until(lambda: inside.call("numprocesses", name="job")["numprocesses"] == 5, "the processes")
    assert sum("nothing reaches statsd" in line for line in inside.log.lines) == 1
