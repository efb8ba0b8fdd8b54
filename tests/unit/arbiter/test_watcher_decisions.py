"""What a watcher decides, without a process, a clock or a loop."""

from __future__ import annotations

import pytest

from circus_stack.arbiter.watcher import Spawn, Stop, WakeAt, Watcher
from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import Readiness, ReadinessForm
from circus_stack.errors import IllegalStepError
from circus_stack.states import ProcessStep, WatcherState, WatcherStep

NOTIFY = Readiness(ReadinessForm.NOTIFY)


def started(now: float = 0.0, **options: object) -> Watcher:
    watcher = Watcher(WatcherConfig(name="web", cmd="x", **options))  # type: ignore[arg-type]
    watcher.step(WatcherStep.START)
    for action in watcher.converge(now, 99):
        assert isinstance(action, Spawn)
        watcher.spawned(1000 + action.wid, action.wid, now, now)
    return watcher


def test_a_stopped_watcher_wants_nothing() -> None:
    assert Watcher(WatcherConfig(name="web", numprocesses=3)).converge(0.0, 99) == []


def test_start_fills_slots_from_one() -> None:
    assert [process.wid for process in started(numprocesses=3).serving()] == [1, 2, 3]


def test_readiness_of_all_makes_it_complete() -> None:
    watcher = started(numprocesses=2, ready=NOTIFY)
    assert watcher.became_ready(1001, 1.0)
    assert not watcher.has_all_ready()
    assert watcher.became_ready(1002, 1.0)
    assert watcher.has_all_ready()


def test_ready_said_twice_changes_nothing() -> None:
    watcher = started(ready=NOTIFY)
    assert watcher.became_ready(1001, 1.0)
    assert not watcher.became_ready(1001, 2.0)
    assert watcher.processes[1001].ready_at == 1.0


def test_a_dead_slot_is_taken_again() -> None:
    watcher = started(numprocesses=3, ready=NOTIFY)
    watcher.became_ready(1002, 1.0)
    assert watcher.exited(1002, 2.0) is None
    watcher.forget(1002)
    assert watcher.converge(2.0, 99) == [Spawn(2)]


def test_ready_and_dead_at_once_is_a_failure() -> None:
    watcher = started(ready=NOTIFY)
    delays = []
    for pid in range(1001, 1004):
        watcher.became_ready(pid, 1.0)
        failure = watcher.exited(pid, 1.5)
        assert failure is not None
        delays.append(failure.delay_s)
        watcher.forget(pid)
        watcher.spawned(pid + 1, 1, 1.0, 1.0)
    assert delays == [0.0, 0.1, 0.2]


def test_no_more_is_decided_at_a_time_than_asked_for() -> None:
    watcher = Watcher(WatcherConfig(name="web", cmd="x", numprocesses=20_000_000))
    watcher.step(WatcherStep.START)
    assert watcher.converge(0.0, 4) == [Spawn(1), Spawn(2), Spawn(3), Spawn(4)]


def test_what_has_ended_is_not_respawned_where_it_should_not() -> None:
    watcher = started(numprocesses=2, respawn=False)
    watcher.exited(1001, 1.0)
    watcher.forget(1001)
    assert watcher.converge(1.0, 99) == []
    assert watcher.wanted == 2
    watcher.processes[1002].step(ProcessStep.STOP)
    watcher.exited(1002, 1.0)
    watcher.forget(1002)
    assert watcher.converge(1.0, 99) == []


def test_an_expected_exit_code_is_the_end_of_a_process_that_was_ready() -> None:
    watcher = started(numprocesses=2, exit_codes=(0, 3))
    for pid in (1001, 1002):
        watcher.became_ready(pid, 0.5)
    assert watcher.exited(1001, 1.0, code=3) is None
    watcher.forget(1001)
    assert watcher.converge(1.0, 99) == []
    watcher.exited(1002, 99.0, code=1)
    watcher.forget(1002)
    # One of two is done; the other has failed.
    assert not watcher.has_ended()
    assert watcher.converge(99.0, 99) == [Spawn(1)]


def test_an_expected_exit_code_counts_neither_before_it_is_ready_nor_where_somebody_asked_for_the_end() -> None:
    early = started(exit_codes=(0,), ready=NOTIFY)
    assert early.exited(1001, 0.5, code=0) is not None
    asked = started(exit_codes=(0,))
    asked.became_ready(1001, 0.5)
    asked.processes[1001].step(ProcessStep.STOP)
    asked.exited(1001, 1.0, code=0)
    asked.forget(1001)
    assert asked.converge(1.0, 99) == [Spawn(1)]


def test_a_shortage_delays_without_counting() -> None:
    watcher = started(max_failures=1)
    watcher.exited(1001, 20.0)
    watcher.forget(1001)
    watcher.postpone(1, 21.0)
    assert watcher.converge(20.0, 99) == [WakeAt(21.0)]
    assert watcher.converge(21.0, 99) == [Spawn(1)]


def test_failures_at_once_are_delayed_more_and_more() -> None:
    watcher = started(ready=NOTIFY)
    delays = []
    now, pid = 0.0, 1001
    for _ in range(5):
        failure = watcher.exited(pid, now)
        assert failure is not None
        watcher.forget(pid)
        delays.append(failure.delay_s)
        now += failure.delay_s
        assert watcher.converge(now, 99) == [Spawn(1)]
        pid += 1
        watcher.spawned(pid, 1, now, now)
    assert delays == [0.0, 0.1, 0.2, 0.4, 0.8]


def test_a_delayed_slot_is_waited_for() -> None:
    watcher = started(ready=NOTIFY)
    watcher.exited(1001, 0.0)
    watcher.forget(1001)
    watcher.failed(1, 0.0)
    assert watcher.converge(0.0, 99) == [WakeAt(0.1)]


def test_ten_seconds_without_readiness_count_as_a_good_run() -> None:
    watcher = started()
    watcher.became_ready(1001, 0.0)
    assert watcher.exited(1001, 10.0) is None


@pytest.mark.parametrize("form", [ReadinessForm.TCP, ReadinessForm.HTTP])
def test_an_answer_at_an_address_alone_is_no_good_run(form: ReadinessForm) -> None:
    watcher = started(ready=Readiness(form, "127.0.0.1:80"))
    watcher.became_ready(1001, 1.0)
    failure = watcher.exited(1001, 2.0)
    assert failure is not None
    assert failure.failures == 1


def test_a_short_run_without_readiness_is_a_failure() -> None:
    watcher = started()
    watcher.became_ready(1001, 0.0)
    failure = watcher.exited(1001, 9.9)
    assert failure is not None
    assert failure.delay_s == 0.0


def test_too_many_failures_in_the_window_give_up() -> None:
    watcher = started(max_failures=3, failure_window=60.0)
    assert [watcher.failed(1, now).gives_up for now in (0.0, 1.0, 2.0)] == [False, False, True]


def test_many_processes_may_fail_as_often_each() -> None:
    watcher = started(numprocesses=12, max_failures=3, failure_window=60.0)
    verdicts = [watcher.failed(wid, 0.0).gives_up for _ in range(3) for wid in range(1, 13)]
    assert verdicts == [False] * 35 + [True]


def test_failures_outside_the_window_do_not_count() -> None:
    watcher = started(max_failures=2, failure_window=10.0)
    assert [watcher.failed(1, now).gives_up for now in (0.0, 20.0, 40.0)] == [False, False, False]


def test_too_many_processes_are_stopped_from_the_highest_slot() -> None:
    watcher = started(numprocesses=3)
    watcher.wanted = 1
    assert watcher.converge(0.0, 99) == [Stop(1003), Stop(1002)]


@pytest.mark.parametrize(("use_sockets", "singleton", "expected"), [
    (True, False, [Spawn(2)]),
    (False, False, []),
    (True, True, []),
])  # fmt: skip
def test_whose_successor_may_start_before_the_end(use_sockets: bool, singleton: bool, expected: list[Spawn]) -> None:
    watcher = started(use_sockets=use_sockets, singleton=singleton)
    watcher.processes[1001].step(ProcessStep.STOP)
    assert watcher.converge(0.0, 99) == expected


def test_a_new_generation_starts_beside_the_old() -> None:
    watcher = started(numprocesses=2, use_sockets=True)
    watcher.begin_generation()
    assert watcher.converge(0.0, 99) == [Spawn(3), Spawn(4)]


def test_an_old_process_that_dies_during_a_reload_is_not_replaced() -> None:
    watcher = started(use_sockets=True, ready=NOTIFY)
    watcher.begin_generation()
    watcher.spawned(1002, 2, 0.0, 0.0)
    assert watcher.exited(1001, 0.0) is None
    watcher.forget(1001)
    assert watcher.converge(0.0, 99) == []


def test_going_back_to_the_old_generation_fills_it_up() -> None:
    watcher = started(use_sockets=True)
    watcher.begin_generation()
    watcher.spawned(1002, 2, 0.0, 0.0)
    watcher.return_to_generation(1)
    watcher.exited(1002, 0.0)
    watcher.forget(1002)
    assert [process.pid for process in watcher.serving()] == [1001]


def test_generations_are_never_numbered_twice() -> None:
    watcher = started()
    watcher.begin_generation()
    watcher.return_to_generation(1)
    watcher.begin_generation()
    assert watcher.generation == 3


def test_an_illegal_step_raises() -> None:
    watcher = started()
    with pytest.raises(IllegalStepError, match="starting cannot come down"):
        watcher.step(WatcherStep.COME_DOWN)
    assert watcher.state is WatcherState.STARTING
