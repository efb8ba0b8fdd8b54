"""circusd-stats beside a real arbiter: what it publishes, answers and remembers, and how it comes back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from circus_stack.client.subscriber import Subscriber
from circus_stack.client.sync import Client
from tests.support.ports import free_port
from tests.support.processes import BIN
from tests.support.stack import Room, RunningStack, room
from tests.support.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).parents[3]
# A parent that waits for the children which do its work: half of what it costs stands in its children's times.
_WORK = """\
import os, time
while True:
    if (pid := os.fork()) == 0:
        end = time.process_time() + 0.05
        while time.process_time() < end: pass
        os._exit(0)
    os.waitpid(pid, 0)
    time.sleep(0.1)
"""
_READ = """\
import sys
from circus.stats.client import StatsClient
for watcher, pid, stat in StatsClient(sys.argv[1]):
    if watcher == "job" and pid:
        print(pid, stat["mem_info1"], stat["cmdline"], flush=True)
        break
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("stats")) as made:
        yield made


@pytest.fixture(scope="module")
def endpoint() -> str:
    return f"tcp://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def stack(here: Room, endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> RunningStack:
    directory = tmp_path_factory.mktemp("ini")
    (directory / "work.py").write_text(_WORK)
    ini = directory / "stats.ini"
    ini.write_text(
        f"""\
[circus]
endpoint = tcp://127.0.0.1:{free_port()}
pubsub_endpoint = tcp://127.0.0.1:{free_port()}
stats_endpoint = {endpoint}
statsd = true
stats_interval = 0.2
[watcher:job]
cmd = {sys.executable} {directory / "work.py"}
copy_env = true
[watcher:idle]
cmd = sleep 1000
numprocesses = 2
stats_interval = 0.5
"""
    )
    return here.circusd(str(ini))


def published(endpoint: str, prefix: str) -> dict[str, Any]:
    """The next message under a topic."""
    with Subscriber(endpoint, (prefix,)) as subscriber:
        message = subscriber.receive(PATIENCE_S)
        assert message is not None, prefix
        return message[1]


def ask(stack: RunningStack, command: str, **properties: object) -> dict[str, Any]:
    with Client(stack.found().record.stats_query_endpoint, timeout_s=PATIENCE_S) as client:
        return client.call(command, **properties)


def test_it_is_listed_as_circus_lists_it(stack: RunningStack) -> None:
    stack.wait_pids(1, watcher="circusd-stats")
    assert set(stack.call("list")["watchers"]) == {"circusd-stats", "job", "idle"}


def test_processes_and_their_sums_are_published(stack: RunningStack, endpoint: str) -> None:
    [job] = stack.wait_pids(1, watcher="job")
    idle = stack.wait_pids(2, watcher="idle")
    figures = published(endpoint, f"stat.job.{job}")
    times = psutil.Process(job).cpu_times()
    # It was read before: what /proc says by now is no less, and the children of the parent are in it.
    assert 0 < figures["cpu_time"] <= times.user + times.system + times.children_user + times.children_system + 0.06
    assert figures["rss"] > 0
    assert (figures["pid"], figures["username"]) == (job, psutil.Process(job).username())
    assert sorted(_sum_of(endpoint, "stat.idle")["pid"]) == idle
    assert _sum_of(endpoint, "total.stack")["processes"] == 3
    own = published(endpoint, f"stat.circus.{stack.pid}")
    assert (own["name"], own["pid"]) == ("circusd", stack.pid)


def _sum_of(endpoint: str, topic: str) -> dict[str, Any]:
    with Subscriber(endpoint, (topic,)) as subscriber:
        while (message := subscriber.receive(PATIENCE_S)) is not None:
            if message[0] == topic:
                return message[1]
    raise AssertionError(f"nothing under {topic}")


def test_a_busy_watcher_uses_what_its_children_use(stack: RunningStack) -> None:
    found = wait_until(lambda: _busy(stack), "the CPU of children that came and went", detail=stack.output)
    assert found > 0


def _busy(stack: RunningStack) -> float:
    return max((value or 0.0 for value in ask(stack, "history", name="job", since=60)["cpu"]), default=0.0)


def test_snapshot_and_history_are_answered(stack: RunningStack) -> None:
    snapshot = ask(stack, "snapshot")
    assert snapshot["watchers"].keys() == {"job", "idle"}
    assert (snapshot["watchers"]["idle"]["interval"], snapshot["watchers"]["job"]["interval"]) == (0.5, 0.2)
    assert {"", "job", "idle"} <= set(ask(stack, "series")["series"])
    history = ask(stack, "history", name="idle", since=600)
    assert history["step"] == 1
    assert history["processes"][-1] == 2.0


def test_circuss_own_client_reads_it(stack: RunningStack, endpoint: str) -> None:
    python = ROOT / ".venv" / "circus" / "bin" / "python"
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), "-c", _READ, endpoint], capture_output=True, text=True, timeout=60, env=environ, check=False
    )
    assert done.returncode == 0, done.stderr
    pid, memory, _command = done.stdout.split()
    assert int(pid) in stack.pids("job")
    assert memory.endswith(("K", "M"))


def test_a_process_that_comes_is_sampled_and_one_that_goes_is_not(stack: RunningStack, endpoint: str) -> None:
    stack.call("incr", name="idle", waiting=True)
    wait_until(lambda: len(_sum_of(endpoint, "stat.idle")["pid"]) == 3, "three processes", detail=stack.output)
    stack.call("decr", name="idle", waiting=True)
    wait_until(lambda: len(_sum_of(endpoint, "stat.idle")["pid"]) == 2, "two processes", detail=stack.output)


def test_killed_it_comes_back_with_its_history(stack: RunningStack, endpoint: str) -> None:
    [before] = stack.wait_pids(1, watcher="circusd-stats")
    first = ask(stack, "history", since=600)["times"][0]
    os.kill(before, signal.SIGKILL)
    stack.wait_pids(1, other_than=[before], watcher="circusd-stats")
    assert _sum_of(endpoint, "stat.job")["processes"] == 1
    assert ask(stack, "history", since=600)["times"][0] == first


def test_an_address_that_is_taken_is_said(stack: RunningStack, endpoint: str) -> None:
    done = subprocess.run(
        [str(BIN / "python"), "-m", "circus_stack.cli.circusd_stats", "--statspoint", endpoint],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, stack.program.is_running()) == (1, True)
    assert done.stderr.startswith("circusd-stats: ")
    assert "Traceback" not in done.stderr


def test_it_ends_with_the_stack(here: Room, stack: RunningStack) -> None:
    assert stack.stop(signal.SIGTERM) == 0
    here.assert_nothing_left()
