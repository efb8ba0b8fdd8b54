"""The shipped plugins that step in: flapping, watchdog, resource_watcher, command_reloader."""

from __future__ import annotations

import shutil
import socket
import sys

import pytest

from circus_stack.errors import CircusStackError
from circus_stack.plugins.command_reloader import CommandReloader
from circus_stack.plugins.flapping import Flapping
from circus_stack.plugins.resource_watcher import ResourceWatcher
from circus_stack.plugins.watchdog import WatchDog
from tests.integration.plugins.inside import Inside
from tests.support.processes import wait_gone
from tests.support.waiting import wait_until

JOB = {"name": "job", "cmd": "sleep 300"}


@pytest.fixture
def flapping(inside, tmp_path):
    """Starts the plugin beside a watcher whose processes die once `broken` is there; makes it be there."""

    def start(*, retry_in: float, **watcher: object) -> None:
        words = ["-c", "test -e broken && exit 1; exec sleep 300"]
        inside.start({"name": "job", "cmd": "sh", "args": words, "working_dir": str(tmp_path), **watcher})
        inside.plugin(Flapping, {"attempts": 2, "window": 20, "max_retry": -1, "retry_in": retry_in})
        (tmp_path / "broken").touch()
        inside.call("signal", name="job", signum="KILL")

    return start


def test_a_flapping_watcher_is_paused_and_tried_again(inside, flapping, tmp_path):
    flapping(retry_in=0.2)

    inside.log.wait("job is flapping: it is stopped, and tried again in 0.2 s (pause 1)")
    inside.log.wait("(pause 2)")
    (tmp_path / "broken").unlink()
    wait_until(lambda: inside.status() == "active", "job", detail=lambda: inside.log.lines)


def test_after_max_retry_it_stays_stopped(inside, flapping):
    flapping(retry_in=0, **{"flapping.max_retry": "0"})

    inside.log.wait("job is flapping, and stays stopped")
    wait_until(lambda: inside.status() == "stopped", "the stop", detail=lambda: inside.log.lines)


def test_what_an_operator_stopped_during_the_pause_stays_stopped(inside, flapping):
    flapping(retry_in=2)
    inside.log.wait("job is down")
    # It is stopped already: no event tells of this.
    inside.call("stop", name="job", waiting=True)

    inside.log.wait("job was taken in hand by somebody else: it is left alone")
    assert inside.status() == "stopped"


def test_what_an_operator_started_during_the_pause_is_left_alone(inside, flapping, tmp_path):
    flapping(retry_in=1)
    inside.log.wait("job is down")
    (tmp_path / "broken").unlink()
    inside.call("start", name="job", waiting=True)
    before = inside.pids()

    # Its own deaths are counted from anew: one is not flapping.
    inside.call("signal", name="job", signum="KILL")
    inside.wait_other(before)
    assert sum("is flapping" in line for line in inside.log.lines) == 1


def test_a_silent_process_is_ended_and_one_that_speaks_is_not(inside):
    inside.start({**JOB, "numprocesses": 2}, {**JOB, "name": "other"})
    silent, speaking = inside.pids()
    other = inside.pids("other")
    inside.plugin(WatchDog, {"port": 0, "loop_rate": 0.5, "max_count": 4, "watchers_regex": "job"})
    inside.log.wait("watches 2 processes")
    address = ("127.0.0.1", int(inside.log.wait("listens on UDP").rpartition(":")[2]))

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:

        def is_replaced() -> bool:
            for data in (f"{speaking};1".encode(), b"\xff\xfe", b"x" * 5000, b"-1;1", b";", b"", b"99999999999;1"):
                sock.sendto(data, address)
            return silent not in inside.pids()

        wait_until(is_replaced, "the end of the silent process", detail=lambda: inside.log.lines, pause_s=0.1)
        assert speaking in inside.pids()
    wait_gone(silent)
    assert inside.pids("other") == other
    assert f"job: process {silent} gives no sign of life: it is ended" in inside.log.lines


def test_a_watchdog_that_cannot_listen_ends(inside):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        plugin = WatchDog(inside.endpoint, inside.pubsub, 5.0, None, port=str(port))

        with pytest.raises(CircusStackError, match=f"watchdog: UDP 127.0.0.1:{port} cannot be bound: Address already"):
            plugin.start()


def test_a_watcher_beyond_its_limit_is_restarted(inside, statsd):
    inside.start(JOB)
    before = inside.pids()
    inside.plugin(
        ResourceWatcher, {"service": "job", "max_mem": "1K", "max_count": 2, "loop_rate": 0.1, **statsd.options}
    )

    statsd.wait("circus.app.watcher._resource_watcher.job.over_memory:1|c")
    statsd.wait("circus.app.watcher._resource_watcher.job.restarting:1|c")
    inside.wait_other(before)


def child_of(inside: Inside, pid: int) -> int | None:
    """The pid of the only child of a process of `job`."""
    children = inside.call("stats", name="job")["info"][str(pid)]["children"]
    return children[0]["pid"] if children else None


def test_a_child_beyond_its_limit_is_told_and_the_watcher_goes_on(inside, statsd):
    # An interpreter needs more memory than a child that only sleeps.
    program = "import subprocess, time\nwhile 1: subprocess.run(['sleep', '300'])"
    inside.start({"name": "job", "cmd": sys.executable, "args": ["-c", program]})
    (pid,) = inside.pids()
    first = wait_until(lambda: child_of(inside, pid), "the child")
    inside.plugin(
        ResourceWatcher,
        {
            "watcher": "job",
            "min_mem": "5M",
            "max_count": 0,
            "loop_rate": 0.1,
            "process_children": 1,
            "child_signal": "KILL",
            **statsd.options,
        },
    )

    statsd.wait("circus.app.watcher._resource_watcher.job.restarting:1|c")
    wait_gone(first)
    wait_until(lambda: child_of(inside, pid), "another child", detail=lambda: inside.log.lines)
    assert inside.pids() == [pid]


def test_a_new_program_takes_over(inside, tmp_path):
    sleep = shutil.which("sleep")
    shutil.copy(sleep, tmp_path / "worker-1")
    (tmp_path / "worker").symlink_to("worker-1")
    inside.start({"name": "job", "cmd": f"{tmp_path}/worker 300"}, {**JOB, "name": "other"})
    first, other = inside.pids(), inside.pids("other")
    inside.plugin(CommandReloader, {"loop_rate": 0.1})

    shutil.copy(sleep, tmp_path / "worker-2")
    (tmp_path / "new").symlink_to("worker-2")
    (tmp_path / "new").replace(tmp_path / "worker")
    second = inside.wait_other(first)
    inside.log.wait("worker-2 has changed: reload")

    shutil.copy(sleep, tmp_path / "copy")
    (tmp_path / "copy").replace(tmp_path / "worker-2")
    inside.wait_other(second)
    assert inside.pids("other") == other
