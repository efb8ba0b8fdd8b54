"""Services under a real arbiter: started before the workers, restarted only for their own sake, back after a kill."""

from __future__ import annotations

import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.processes import BIN, Program, running
from tests.support.waiting import wait_until

APP = """
import os, redis

def make(global_conf):
    def app(environ, start_response):
        visits = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=10).incr("visits")
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(visits).encode()]
    return app
"""

INI = """
[app:main]
use = call:visits:make

[server:main]
use = egg:circus-stack
listen = 127.0.0.1:0
backend = waitress

[service:redis]
maxmemory = {maxmemory}

[service:memcached]
binary = /nowhere/memcached
optional = yes
"""


def _write(short_path: Path, maxmemory: str) -> Path:
    ini = short_path / "app.ini"
    ini.write_text(INI.format(maxmemory=maxmemory))
    return ini


@pytest.fixture
def stack(short_path: Path) -> Iterator[Program]:
    """A stack that is up, with all its directories under `short_path`."""
    (short_path / "visits.py").write_text(APP)
    (short_path / "r").mkdir(mode=0o700)
    environ = {"XDG_RUNTIME_DIR": str(short_path / "r"), "XDG_STATE_HOME": str(short_path / "s")}
    command = [str(BIN / "circus-stack"), "serve", str(_write(short_path, "10m"))]
    with running(
        command, short_path / "log", env={**environ, "PYTHONPATH": str(short_path)}, cwd=short_path
    ) as program:
        try:
            program.wait_output("circus-stack: ready in")
            yield program
        finally:
            # Its children lead sessions of their own, which only the arbiter knows.
            if program.is_running():
                program.signal(signal.SIGTERM)
                program.wait_exit()


def _visits(stack: Program) -> int:
    found = re.search(r"http://127\.0\.0\.1:\d+/", stack.output())
    assert found, stack.output()
    with urllib.request.urlopen(found[0], timeout=20) as reply:
        return int(reply.read())


def _redis_pids(stack: Program) -> list[int]:
    return [int(pid) for pid in re.findall(r"redis\.1 ready in .* \(pid (\d+)\)", stack.output())]


def _wait_count(stack: Program, text: str, count: int) -> None:
    wait_until(lambda: stack.output().count(text) >= count, f"{count} times {text!r}", detail=stack.output)


def test_the_app_finds_its_redis_and_starts_after_it(stack: Program) -> None:
    assert _visits(stack) == 1
    output = stack.output()
    assert output.index("redis.1 ready") < output.index("web.1 is starting")
    assert "[service:memcached]" in output, "what is missing and optional is told"


def test_a_reload_leaves_a_service_alone_that_did_not_change(stack: Program) -> None:
    assert _visits(stack) == 1
    stack.signal(signal.SIGHUP)
    _wait_count(stack, "nothing has changed", 1)
    assert len(_redis_pids(stack)) == 1
    assert _visits(stack) == 2


def test_a_reload_restarts_a_service_that_changed_with_its_data(stack: Program, short_path: Path) -> None:
    assert _visits(stack) == 1
    _write(short_path, "20m")
    stack.signal(signal.SIGHUP)
    _wait_count(stack, "redis.1 ready", 2)
    _wait_count(stack, "configuration read again", 1)
    (conf,) = (short_path / "s").rglob("redis.conf")
    assert f"maxmemory {20 << 20}" in conf.read_text()
    assert _visits(stack) == 2


def test_a_killed_redis_comes_back_and_the_app_with_it(stack: Program) -> None:
    assert _visits(stack) == 1
    os.kill(_redis_pids(stack)[0], signal.SIGKILL)
    _wait_count(stack, "redis.1 ready", 2)
    assert _visits(stack) in (1, 2), "the last second of writes may be lost"
    assert stack.is_running()


def test_a_stop_ends_the_app_before_its_services(stack: Program) -> None:
    stack.signal(signal.SIGTERM)
    assert stack.wait_exit() == 0
    output = stack.output()
    assert output.index("web.1 stopped") < output.index("redis.1 stopped")
    assert "Redis is now ready to exit" in output
    assert not Path(f"/proc/{_redis_pids(stack)[0]}").exists()
