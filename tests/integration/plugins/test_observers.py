"""The shipped plugins that count and measure: real statsd datagrams, a real Redis, a real web server."""

from __future__ import annotations

import http.server
import shutil
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.support.ports import free_port
from tests.support.waiting import wait_until

JOB = """
    [watcher:job]
    cmd = sleep 300
    numprocesses = 2
"""


def test_events_and_figures_reach_statsd(beside, statsd):
    stack = beside.circusd(JOB)
    config = {**statsd.options, "application_name": "shop"}
    emitter = beside.plugin("circus.plugins.statsd.StatsdEmitter", config, level="debug")
    beside.plugin("circus.plugins.statsd.FullStats", {**config, "loop_rate": "0.1"})

    def counted() -> bool:
        # Until the plugin has subscribed, events pass it by.
        stack.call("incr", name="job")
        return any(line == "circus.shop.watcher.job.spawn:1|c" for line in statsd.read())

    wait_until(counted, "a count", detail=statsd.read, pause_s=0.1)
    statsd.wait("circus.shop.watcher._stats.job.watchers_num:")
    size = statsd.wait("circus.shop.watcher._stats.job.mem_sum:")
    assert float(size.partition(":")[2].removesuffix("|g")) > 100_000
    assert emitter.stop(signal.SIGTERM) == 0


@pytest.fixture
def redis(beside) -> Iterator[tuple[str, str]]:
    """(section of a watcher, url)"""
    port = free_port()
    program = shutil.which("redis-server")
    yield (
        f"""
        [watcher:cache]
        cmd = {program} --port {port} --bind 127.0.0.1 --save '' --dir {beside.room.directory}
        stdout_stream.filename = /dev/null
        """,
        f"redis://127.0.0.1:{port}/0",
    )


def test_redis_is_measured_and_restarted_when_it_hangs(beside, statsd, redis):
    section, url = redis
    stack = beside.circusd(section)
    (pid,) = stack.wait_pids(1, watcher="cache")
    beside.plugin(
        "circus.plugins.redis_observer.RedisObserver",
        {
            "redis_url": url,
            "restart_on_timeout": "cache",
            "timeout": "1",
            "loop_rate": "0.2",
            **statsd.options,
        },
    )
    statsd.wait("circus.redis_observer.watcher.redis_stats.used_memory:")
    stack.call("signal", name="cache", signum="STOP")

    statsd.wait("circus.redis_observer.watcher.redis_stats.restart_on_error:1|c")
    # A process that is stopped gets SIGTERM only when it goes on.
    stack.call("signal", name="cache", signum="CONT")
    stack.wait_pids(1, other_than=[pid], watcher="cache")


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


def test_a_web_server_is_timed_and_its_watcher_restarted_on_an_error(beside, statsd, web):
    stack = beside.circusd(JOB)
    pids = stack.wait_pids(2, watcher="job")
    beside.plugin(
        "circus.plugins.http_observer.HttpObserver",
        {
            "check_url": f"http://127.0.0.1:{web.server_address[1]}/",
            "restart_on_error": "job",
            "loop_rate": "0.1",
            **statsd.options,
        },
    )
    statsd.wait("circus.http_observer.watcher.http_stats.request_time:")
    assert stack.pids("job") == pids
    web.status = 503

    statsd.wait("circus.http_observer.watcher.http_stats.error.503:1|c")
    stack.wait_pids(2, other_than=pids, watcher="job")


def test_what_somebody_has_stopped_is_not_restarted(beside, statsd):
    stack = beside.circusd(JOB)
    stack.call("stop", name="job", waiting=True)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        plugin = beside.plugin(
            "circus.plugins.http_observer.HttpObserver",
            {
                "check_url": f"http://127.0.0.1:{deaf.getsockname()[1]}/",
                "restart_on_error": "job",
                "timeout": "0.2",
                "loop_rate": "0.1",
                **statsd.options,
            },
        )
        statsd.wait("circus.http_observer.watcher.http_stats.error.599:1|c")
        plugin.wait_line("job is not restarted: it is stopped")

    assert stack.call("status", name="job")["status"] == "stopped"
