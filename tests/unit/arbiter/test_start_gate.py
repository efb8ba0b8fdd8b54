"""Who may start a process, and who is told when there is room again."""

from __future__ import annotations

from circus_stack.arbiter.start_gate import StartGate


def test_without_a_limit_there_is_always_room() -> None:
    gate = StartGate()
    gate.enter(1)
    assert gate.room() is None


def test_room_is_what_is_left_of_the_limit_of_this_moment() -> None:
    limit = 3
    gate = StartGate(lambda: limit)
    gate.enter(1)
    assert gate.room() == 2
    limit = 1
    assert gate.room() == 0


def test_who_waits_is_told_once_in_the_order_of_asking() -> None:
    gate, told = StartGate(lambda: 1), []

    def first() -> None:
        told.append("first")

    def second() -> None:
        told.append("second")

    gate.enter(1)
    for each in (first, second, first):
        gate.wait(each)
    gate.leave(1)
    assert told == ["first", "second"]
    gate.enter(2)
    gate.leave(2)
    assert told == ["first", "second"]


def test_a_process_that_never_was_on_its_way_leaves_nothing() -> None:
    gate, told = StartGate(lambda: 1), []
    gate.enter(1)
    gate.wait(lambda: told.append("told"))
    gate.leave(2)
    assert (gate.count, told) == (1, [])
