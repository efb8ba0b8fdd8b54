"""What the autoscaler makes of options and of the records of circusd-stats."""

from __future__ import annotations

from typing import Any

import pytest

from circus_stack.client.stats.records import Figures, SocketStats, StackStats, WatcherStats
from circus_stack.config.schema import WatcherConfig
from circus_stack.control.watcher_options import watcher_options
from circus_stack.plugins.scaling.figures import Gathered
from circus_stack.plugins.scaling.policy import policy_of
from circus_stack.scaling import ScaleRange, parse_condition


def told(**figures: Any) -> WatcherStats:
    return WatcherStats(watcher="web", pids=(1, 2, 3, 4), figures=Figures(**figures))


def gathered(*sockets: SocketStats) -> Gathered:
    found = Gathered()
    found.know_sockets([{"name": "a", "watchers": ["web"]}, {"name": "b", "watchers": ["web", "api"]}, {"name": "c"}])
    for each in (*sockets, StackStats(total_memory=1000)):
        found.note(each)
    return found


def test_every_figure_in_its_unit() -> None:
    found = gathered(SocketStats(name="a", queued=3), SocketStats(name="b", queued=4), SocketStats(name="c", queued=9))
    assert found.of("web", told(cpu=200.0, busy=3, rss=700, pss=500, p99=0.25, rps=9.0)) == {
        "busy": 75.0,
        "cpu": 50.0,
        "backlog": 7.0,
        "memory": 50.0,
        "p99": 250.0,
    }
    assert found.of("api", told())["backlog"] == 4


def test_what_nobody_knows_is_left_out() -> None:
    assert gathered(SocketStats(name="a", queued=3)).of("web", told()) == {}
    assert Gathered().of("web", told(rss=5)) == {}
    assert gathered().of("job", told(cpu=10.0, rss=100)) == {"cpu": 2.5, "memory": 10.0}


def test_no_process_has_no_mean() -> None:
    assert gathered().of("job", WatcherStats(watcher="job", figures=Figures(cpu=0.0, busy=0))) == {}


def test_memory_is_that_of_the_control_group_where_it_has_a_limit() -> None:
    assert gathered().of("job", told(rss=900, group_memory=30, group_memory_limit=40))["memory"] == 75


def test_no_request_takes_no_time() -> None:
    assert gathered().of("job", told(rps=0.0))["p99"] == 0


def test_queue_of_a_socket_is_forgotten() -> None:
    found = gathered(SocketStats(name="a", queued=3), SocketStats(name="b", queued=4))
    found.note(SocketStats(name="a"))
    assert "backlog" not in found.of("web", told())
    assert found.of("api", told())["backlog"] == 4
    found.forget()
    assert "backlog" not in found.of("api", told())


def test_policy_is_what_the_options_of_a_watcher_say() -> None:
    config = WatcherConfig(
        name="web",
        cmd="x",
        scale_range=ScaleRange(2, 16),
        scale_up_when=parse_condition("cpu > 70% or p99 > 1.5s"),
        scale_up_cooldown=2.5,
        scale_step=3,
        scale_dry_run=True,
    )
    found = policy_of(watcher_options(config, 4))
    assert found is not None
    assert (found.range, found.up, found.down) == (config.scale_range, config.scale_up_when, config.scale_down_when)
    assert (found.up_cooldown_s, found.down_cooldown_s, found.step, found.is_dry_run) == (2.5, 120, 3, True)


def test_watcher_without_a_range_has_no_policy() -> None:
    assert policy_of(watcher_options(WatcherConfig(name="web", cmd="x"), 4)) is None
    assert policy_of({"numprocesses": 3}) is None


@pytest.mark.parametrize("options", [{"scale_range": "2..4"}, {"scale_range": "4..2"}, {"scale_range": [2]}])
def test_options_of_another_program_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        policy_of(options)
