"""How long a slot waits after a failure, by the watcher's options."""

from __future__ import annotations

import pytest

from circus_stack.arbiter.backoff import Schedule
from circus_stack.arbiter.watcher import Watcher
from circus_stack.config.schema import WatcherConfig
from circus_stack.states import WatcherStep


def test_the_first_retry_is_at_once_and_the_pause_then_grows_up_to_the_longest() -> None:
    schedule = Schedule(initial_s=0.5, factor=3.0, longest_s=10.0)
    assert [schedule.delay_s(failures) for failures in range(1, 7)] == [0.0, 0.5, 1.5, 4.5, 10.0, 10.0]


def test_a_slot_that_fails_for_weeks_waits_no_longer_than_the_longest() -> None:
    assert Schedule(factor=10.0, longest_s=30.0).delay_s(10**9) == 30.0


def test_chance_takes_away_its_part_of_a_pause_and_no_more() -> None:
    schedule = Schedule(initial_s=1.0, jitter=0.25)
    assert [schedule.delay_s(2, luck) for luck in (0.0, 0.5, 1.0)] == [1.0, 0.875, 0.75]


def test_a_watcher_follows_its_options_as_they_are_now() -> None:
    watcher = Watcher(WatcherConfig(name="w", backoff_initial=2.0, backoff_jitter=0.5), draw=lambda: 1.0)
    watcher.step(WatcherStep.START)
    assert [watcher.failed(1, 0.0).delay_s for _ in range(3)] == [0.0, 1.0, 2.0]
    watcher.config = WatcherConfig(name="w", backoff_max=0.3, backoff_jitter=0.0)
    assert watcher.failed(1, 0.0).delay_s == pytest.approx(0.3)
