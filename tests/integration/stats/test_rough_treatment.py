"""circusd-stats when the arbiter is killed, started again and executed anew under it, and when it is killed itself:
figures go on, and what is remembered stays true."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from circus_stack.client.stats.records import History, ProcessStats, Snapshot
from circus_stack.client.stats.sync import StatsClient
from circus_stack.errors import CallError
from tests.support.stack import Room, room
from tests.support.waiting import PATIENCE_S, wait_until

# Shorter than a point of the history, so that several samples make one.
INTERVAL_S = 0.2


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("rough")) as made:
        yield made


class Story:
    """One stack through several arbiters, with a subscriber that stays throughout."""

    def __init__(self, here: Room) -> None:
        self.here = here
        self.ini = here.directory / "rough.ini"
        endpoints = "".join(
            f"{name} = ipc://{here.base}/{name}\n"
            for name in ("endpoint", "pubsub_endpoint", "stats_endpoint", "stats_query_endpoint")
        )
        self.ini.write_text(
            f"[circus]\n{endpoints}statsd = true\nstats_interval = {INTERVAL_S}\n"
            "[watcher:idle]\ncmd = sleep 1000\nnumprocesses = 2\n"
        )
        self.stack = here.circusd(str(self.ini))
        self.stack.wait_pids(2, watcher="idle")
        [self.daemon] = self.stack.wait_pids(1, watcher="circusd-stats")
        self.stats = StatsClient.find(here.environ, timeout_s=PATIENCE_S)
        self.heard: list[ProcessStats] = []
        self._is_over = threading.Event()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        with StatsClient(self.stats.where) as stats, stats.subscribe("idle") as records:
            while not self._is_over.is_set():
                record = records.receive(0.1)
                if isinstance(record, ProcessStats):
                    self.heard.append(record)

    def close(self) -> None:
        self._is_over.set()
        self._listener.join(PATIENCE_S)
        self.stats.close()

    def wait_heard(self, pids: list[int]) -> None:
        """Wait until each of these was told of anew."""
        begun = len(self.heard)
        wait_until(
            lambda: set(pids) <= {each.pid for each in self.heard[begun:]},
            f"figures of {pids}",
            detail=lambda: self.heard[begun:],
        )

    def snapshot(self) -> Snapshot | None:
        try:
            return self.stats.snapshot()
        except CallError:
            return None

    def wait_told(self, pids: list[int], restarts: int) -> None:
        """Wait until circusd-stats knows these processes and no other, and so many restarts."""

        def told() -> bool:
            found = self.snapshot()
            idle = found.watchers.get("idle") if found else None
            return idle is not None and (sorted(idle.pids), idle.restarts) == (pids, restarts)

        wait_until(told, f"{pids} and {restarts} restarts", detail=lambda: self.snapshot(), pause_s=0.05)


@pytest.fixture(scope="module")
def story(here: Room) -> Iterator[Story]:
    made = Story(here)
    yield made
    made.close()


def test_figures_go_on_without_an_arbiter(story: Story) -> None:
    idle = story.stack.pids("idle")
    story.wait_told(idle, 0)
    story.wait_heard(idle)
    story.stack.send(signal.SIGKILL)
    assert story.stack.program.wait_exit() == -signal.SIGKILL
    story.wait_heard(idle)
    assert story.stats.snapshot().watchers["idle"].pids == tuple(idle)
    wait_until(lambda: len(story.stats.history("idle").times) >= 2, "two points of history")


def test_the_next_arbiter_adopts_it(story: Story) -> None:
    idle = sorted(story.stats.snapshot().watchers["idle"].pids)
    os.kill(idle[0], signal.SIGKILL)
    story.stack = story.here.circusd(str(story.ini))
    after = story.stack.wait_pids(2, other_than=idle[:1], watcher="idle")
    assert idle[1] in after
    story.wait_told(after, 1)
    story.wait_heard(after)
    assert story.stack.pids("circusd-stats") == [story.daemon]


def test_a_restart_counts_once(story: Story) -> None:
    idle = story.stack.pids("idle")
    os.kill(idle[0], signal.SIGKILL)
    after = story.stack.wait_pids(2, other_than=idle[:1], watcher="idle")
    story.wait_told(after, 2)


def test_an_upgrade_in_place(story: Story) -> None:
    idle = story.stack.pids("idle")
    done = story.here.run("circus-stack", "upgrade", timeout_s=120)
    assert done.returncode == 0, done.stdout + done.stderr
    story.wait_told(idle, 2)
    story.wait_heard(idle)
    os.kill(idle[0], signal.SIGKILL)
    after = story.stack.wait_pids(2, other_than=idle[:1], watcher="idle")
    story.wait_told(after, 3)
    assert story.stack.pids("circusd-stats") == [story.daemon]


def test_nothing_is_remembered_twice(here: Room, story: Story) -> None:
    check(story.stats.history("idle"))
    check(story.stats.history())
    done = here.run("circusctl", "stats", "--since", "10m", "idle")
    assert done.returncode == 0, done.stderr
    times = [line.split()[0] for line in done.stdout.splitlines() if line[0].isdigit()]
    assert len(times) == len(set(times)) >= 2


def test_nothing_is_told_twice_or_of_the_dead(story: Story) -> None:
    told = [(each.pid, each.time) for each in story.heard]
    assert len(told) == len(set(told))
    pids = {pid for pid, _ in told}
    # Two, and a successor of each of the three that were killed.
    assert len(pids) == 5
    begun = len(story.heard)
    story.wait_heard(story.stack.pids("idle"))
    assert {each.pid for each in story.heard[begun:]} == set(story.stack.pids("idle"))


def check(history: History) -> None:
    assert list(history.times) == sorted(set(history.times))
    # A point is the mean of a second's samples: fewer, while one was replaced.
    assert all(value is not None and 1 <= value <= 2 for value in history.columns["processes"]), history.columns
    assert all(value is None or 0 <= value < 50 for value in history.columns["cpu"]), history.columns


def test_killed_itself_it_comes_back(story: Story) -> None:
    first = story.stats.history("idle").times
    for _ in range(3):
        [daemon] = story.stack.wait_pids(1, watcher="circusd-stats")
        os.kill(daemon, signal.SIGKILL)
        story.stack.wait_pids(1, other_than=[daemon], watcher="circusd-stats")
        story.wait_heard(story.stack.pids("idle"))
    after = story.stats.history("idle")
    check(after)
    assert after.times[: len(first)] == first


def test_it_ends_with_the_stack(here: Room, story: Story) -> None:
    assert story.stack.stop(signal.SIGTERM) == 0
    wait_until(lambda: not here.stacks(), "the end")
    here.assert_nothing_left()
