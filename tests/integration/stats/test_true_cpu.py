"""The CPU that is told is what the kernel says, over the time that has truly passed, whoever asks how often."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from circus_stack.client.subscriber import Subscriber
from circus_stack.client.sync import Client
from tests.support.ports import free_port
from tests.support.stack import Room, RunningStack, room
from tests.support.waiting import PATIENCE_S, wait_until

# Burns 30 % of a core: what it could not burn in time on a busy machine it burns later.
_DUTY = """\
import time
began = time.monotonic()
while True:
    while time.process_time() < 0.3 * (time.monotonic() - began): pass
    time.sleep(0.05)
"""
_TICKS = 10
_CLIENTS = 10


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("cpu")) as made:
        yield made


@pytest.fixture(scope="module")
def endpoint() -> str:
    return f"tcp://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def stack(here: Room, endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> RunningStack:
    directory: Path = tmp_path_factory.mktemp("ini")
    (directory / "duty.py").write_text(_DUTY)
    ini = directory / "cpu.ini"
    ini.write_text(
        f"[circus]\nendpoint = tcp://127.0.0.1:{free_port()}\npubsub_endpoint = tcp://127.0.0.1:{free_port()}\n"
        f"stats_endpoint = {endpoint}\nstatsd = true\nstats_interval = 0.2\n"
        f"[watcher:duty]\ncmd = {sys.executable} {directory / 'duty.py'}\nnumprocesses = 2\ncopy_env = true\n"
    )
    running = here.circusd(str(ini))
    running.wait_pids(1, watcher="circusd-stats")
    running.wait_pids(2, watcher="duty")
    return running


@contextmanager
def asking(endpoint: str, clients: int) -> Iterator[None]:
    """So many clients that ask for snapshots without a pause; one that gets no answer fails the test."""
    stop, failures = threading.Event(), list[Exception]()

    def ask() -> None:
        try:
            with Client(endpoint, timeout_s=PATIENCE_S) as client:
                while not stop.is_set():
                    client.call("snapshot")
                    stop.wait(0.02)
        except Exception as error:  # whatever it is, it is the test's failure
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        stop.set()
        for each in threads:
            each.join(PATIENCE_S)
    assert not failures


def messages(subscriber: Subscriber, topic: str, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    deadline = time.monotonic() + PATIENCE_S
    while len(found) < count:
        message = subscriber.receive(max(0.0, deadline - time.monotonic()))
        assert message is not None, f"{len(found)} messages under {topic}"
        if message[0] == topic:
            found.append(message[1])
    return found


def used(pid: int) -> float:
    """What the kernel says, in seconds."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system + times.children_user + times.children_system


@pytest.mark.parametrize("clients", [1, _CLIENTS])
def test_the_shares_add_up_to_what_the_kernel_says(stack: RunningStack, endpoint: str, clients: int) -> None:
    pid = stack.pids("duty")[0]
    topic = f"stat.duty.{pid}"

    def is_true() -> bool:
        before = used(pid)
        with Subscriber(endpoint, (topic,)) as subscriber:
            told = messages(subscriber, topic, _TICKS)
        # The kernel's count only grows; both cut off ticks of 10 ms.
        is_between = before - 0.02 <= told[0]["cpu_time"] <= told[-1]["cpu_time"] <= used(pid) + 0.02
        seconds = told[-1]["time"] - told[0]["time"]
        share = 100.0 * (told[-1]["cpu_time"] - told[0]["cpu_time"]) / seconds
        mean = sum(new["cpu"] * (new["time"] - old["time"]) for old, new in pairwise(told)) / seconds
        # On a busy machine a tick may be torn, its time is read before the processes are: then the next ones count.
        return is_between and share > 0 and abs(mean - share) <= 0.02 * share

    with asking(stack.found().record.stats_query_endpoint, clients):
        wait_until(is_true, "shares that add up", detail=stack.output)


def test_a_watcher_uses_what_its_processes_use(stack: RunningStack, endpoint: str) -> None:
    with Subscriber(endpoint, ("stat.duty",)) as subscriber:
        messages(subscriber, "stat.duty", 1)
        for _ in range(3):
            *parts, total = [
                each for _ in range(3) if (message := subscriber.receive(PATIENCE_S)) for each in message[1:]
            ]
            assert sorted(each["pid"] for each in parts) == stack.pids("duty")
            assert sorted(total["pid"]) == stack.pids("duty")
            assert {each["time"] for each in parts} == {total["time"]}
            assert total["cpu_sum"] == pytest.approx(sum(each["cpu"] for each in parts), abs=0.02)
            assert total["rss"] == sum(each["rss"] for each in parts)


def test_everything_ends_with_the_stack(here: Room, stack: RunningStack) -> None:
    assert stack.stop() == 0
    here.assert_nothing_left()
