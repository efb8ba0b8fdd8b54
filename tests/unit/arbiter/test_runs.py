"""What becomes of a run, some processes of which ended while nobody could see how."""

from __future__ import annotations

from circus_stack.arbiter.runs import RunResult, Runs
from circus_stack.events import Event, RunCompleted, RunFailed, RunUnseen


def runs_of(told: list[Event]) -> Runs:
    runs = Runs("w", told.append, lambda: 5.0, lambda: 1000.0)
    runs.begin()
    return runs


def test_unseen_beside_success_is_unknown_and_nothing_may_start_after_it() -> None:
    told: list[Event] = []
    runs = runs_of(told)
    runs.note(1, 0)
    runs.note_unseen(2, again=False)
    runs.end()
    assert runs.last is not None
    assert (runs.last.result, runs.last.unseen, runs.is_done) == (RunResult.UNKNOWN, 1, False)
    assert [type(each) for each in told] == [RunUnseen, RunFailed]


def test_unseen_beside_a_failure_is_a_failure() -> None:
    runs = runs_of([])
    runs.note_unseen(1, again=False)
    runs.note(2, 3)
    runs.end()
    assert runs.last is not None
    assert (runs.last.result, runs.last.unseen) == (RunResult.FAILED, 1)


def test_a_slot_that_was_run_again_is_as_it_ended_then() -> None:
    told: list[Event] = []
    runs = runs_of(told)
    runs.note_unseen(1, again=True)
    restored = Runs("w", told.append, lambda: 9.0, lambda: 2000.0)
    restored.restore(runs.state())
    restored.note(1, 0)
    restored.end()
    assert restored.last is not None
    assert (restored.last.result, restored.last.unseen, restored.is_done) == (RunResult.COMPLETED, 1, True)
    assert [type(each) for each in told] == [RunUnseen, RunCompleted]


def test_the_next_run_begins_anew() -> None:
    runs = runs_of([])
    runs.note_unseen(1, again=True)
    runs.begin()
    runs.note(1, 0)
    runs.end()
    assert runs.last is not None
    assert (runs.last.result, runs.last.unseen) == (RunResult.COMPLETED, 0)


def test_of_what_does_not_run_to_its_end_nothing_is_told() -> None:
    told: list[Event] = []
    Runs("w", told.append, lambda: 5.0, lambda: 1000.0).note_unseen(1, again=True)
    assert told == []
