"""How a watcher paces its spawns, when it gives up or flaps, and who follows whom. Without a process or a clock."""

from __future__ import annotations

import pytest

from circus_stack.arbiter.watcher import Spawn, Stop, WakeAt, Watcher
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Readiness, ReadinessForm
from circus_stack.states import ProcessState, ProcessStep, WatcherStep

NOTIFY = Readiness(ReadinessForm.NOTIFY)


def watcher_of(**options: object) -> Watcher:
    watcher = Watcher(WatcherConfig(name="web", cmd="x", **options))  # type: ignore[arg-type]
    watcher.step(WatcherStep.START)
    return watcher


def filled(**options: object) -> Watcher:
    watcher = watcher_of(**options)
    for action in watcher.converge(0.0, 99):
        assert isinstance(action, Spawn)
        watcher.spawned(1000 + action.wid, action.wid, 0.0, 0.0)
    return watcher


def test_a_warmup_delay_lies_between_two_spawns() -> None:
    watcher = watcher_of(numprocesses=3, warmup_delay=2.0)
    assert watcher.converge(0.0, 99) == [Spawn(1)]
    watcher.spawned(1001, 1, 0.0, 0.0)
    assert watcher.converge(1.5, 99) == [WakeAt(2.0)]
    assert watcher.converge(2.0, 99) == [Spawn(2)]
    watcher.spawned(1002, 2, 2.0, 2.0)
    assert watcher.converge(2.0, 99) == [WakeAt(4.0)]


def test_a_death_long_after_the_last_spawn_is_answered_at_once() -> None:
    watcher = watcher_of(warmup_delay=2.0)
    watcher.spawned(1001, 1, 0.0, 0.0)
    watcher.exited(1001, 50.0)
    watcher.forget(1001)
    assert watcher.converge(50.0, 99) == [Spawn(1)]


def test_failing_spawns_in_a_row_give_up() -> None:
    watcher = watcher_of(max_retry=3)
    verdicts = [watcher.spawn_failed(1, float(now)) for now in range(3)]
    assert [each.gives_up for each in verdicts] == [False, False, True]
    assert verdicts[-1].limit == "3 failing spawns in a row (max_retry)"


def test_a_spawn_that_works_begins_the_row_anew() -> None:
    watcher = watcher_of(max_retry=2)
    assert not watcher.spawn_failed(1, 0.0).gives_up
    watcher.spawned(1001, 1, 1.0, 1.0)
    assert not watcher.spawn_failed(1, 2.0).gives_up


def test_without_a_bound_failing_spawns_go_on() -> None:
    watcher = watcher_of(max_retry=-1)
    assert not any(watcher.spawn_failed(1, float(now)).gives_up for now in range(100))


def test_flapping_is_told_once_in_an_episode() -> None:
    watcher = watcher_of(numprocesses=2)
    assert [watcher.failed(1, 0.0).begins_to_flap for _ in range(5)] == [False, False, True, False, False]
    assert [watcher.failed(2, 0.0).begins_to_flap for _ in range(4)] == [False] * 4


def test_after_a_good_run_flapping_may_begin_again() -> None:
    watcher = watcher_of(ready=NOTIFY)
    for _ in range(4):
        watcher.failed(1, 0.0)
    watcher.spawned(1001, 1, 0.0, 0.0)
    watcher.became_ready(1001, 0.0)
    assert watcher.exited(1001, 60.0) is None
    assert [watcher.failed(1, 60.0).begins_to_flap for _ in range(3)] == [False, False, True]


def test_a_successor_starts_beside_the_one_that_is_too_old() -> None:
    watcher = filled(numprocesses=2, ready=NOTIFY)
    for pid in (1001, 1002):
        watcher.became_ready(pid, 1.0)
    watcher.superseded = 1001
    assert not watcher.has_all_ready()
    assert watcher.converge(9.0, 99) == [Spawn(3)]
    watcher.spawned(1003, 3, 9.0, 9.0)
    assert watcher.converge(9.0, 99) == []
    watcher.became_ready(1003, 9.0)
    assert watcher.has_all_ready()
    assert [(each.pid, each.lane) for each in watcher.serving()] == [(1001, 0), (1002, 1), (1003, 0)]


def test_one_that_dies_while_it_is_replaced_is_replaced_once() -> None:
    watcher = filled(ready=NOTIFY)
    watcher.superseded = 1001
    watcher.spawned(1002, 2, 9.0, 9.0)
    watcher.exited(1001, 20.0)
    watcher.forget(1001)
    assert watcher.superseded is None
    assert watcher.converge(20.0, 99) == []


def test_one_by_one_a_place_is_free_when_its_process_is_gone() -> None:
    watcher = filled(numprocesses=2, use_sockets=True)
    watcher.is_one_by_one = True
    watcher.processes[1001].step(ProcessStep.STOP)
    assert watcher.converge(0.0, 99) == []
    watcher.exited(1001, 1.0)
    watcher.forget(1001)
    assert watcher.converge(1.0, 99) == [Spawn(1)]


def test_a_new_generation_gets_the_lanes_of_the_old() -> None:
    watcher = filled(numprocesses=3, use_sockets=True)
    assert [each.lane for each in watcher.serving()] == [0, 1, 2]
    watcher.begin_generation()
    for action in watcher.converge(1.0, 99):
        assert isinstance(action, Spawn)
        watcher.spawned(2000 + action.wid, action.wid, 1.0, 1.0)
    assert [each.lane for each in watcher.serving()] == [0, 1, 2]


def test_a_successor_gets_the_lane_of_whom_it_follows() -> None:
    watcher = filled(numprocesses=3)
    watcher.exited(1002, 20.0)
    watcher.forget(1002)
    assert watcher.spawned(1004, 2, 20.0, 20.0).lane == 1


def test_a_process_that_says_it_reloads_does_not_serve_until_it_says_so_again() -> None:
    watcher = filled(ready=NOTIFY)
    assert not watcher.became_unready(1001)
    watcher.became_ready(1001, 1.0)
    assert watcher.became_unready(1001)
    assert watcher.processes[1001].state is ProcessState.STARTING
    assert not watcher.has_all_ready()
    assert watcher.became_ready(1001, 5.0)
    assert watcher.processes[1001].ready_at == 1.0


def test_what_is_too_many_goes_even_while_nothing_may_be_spawned() -> None:
    watcher = filled(numprocesses=2)
    watcher.wanted = 1
    assert watcher.converge(0.0, 0) == [Stop(1002)]


@pytest.mark.parametrize(("on_demand_end", "left"), [(True, []), (False, [Spawn(1)])])
def test_an_end_for_good_gets_no_successor(on_demand_end: bool, left: list[Spawn]) -> None:
    watcher = filled()
    assert watcher.exited(1001, 60.0, is_done=on_demand_end) is None
    watcher.forget(1001)
    assert watcher.converge(60.0, 99) == left
