"""The gate before a shared socket: who has a seat, who takes one, and when the alarm tells of it."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator

import pytest

from chaussette import gate as module
from chaussette.errors import UsageError
from chaussette.gate import AGAIN_S, LATE_S, STUCK_S, Gate
from chaussette.gate_fds import GateFds, from_environ

# Workers: three that sleep, one that has ended, one that runs.
ASLEEP, SECOND, THIRD, NOBODY, RUNNING = range(2**23, 2**23 + 5)
is_running, is_alive = module._is_running, module._is_alive


class Clock:
    """What takes the place of monotonic_ns."""

    def __init__(self) -> None:
        self.now = 10**12

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += round(seconds * 1e9)


class Place:
    """A gate with two seats, as the processes see it that share it."""

    def __init__(self) -> None:
        self.owner = Gate.create("test", 2)
        self._opened = [self.owner]

    def worker(self, pid: int) -> Gate:
        made = Gate(os.dup(self.owner.page_fd), os.dup(self.owner.alarm_fd), pid)
        self._opened.append(made)
        return made

    def is_ringing(self, within_s: float = 0.0) -> bool:
        return bool(select.select([self.owner.alarm_fd], [], [], within_s)[0])

    def close(self) -> None:
        for each in self._opened:
            each.close()


@pytest.fixture(autouse=True)
def _world(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_is_running", lambda pid: pid == RUNNING)
    monkeypatch.setattr(module, "_is_alive", lambda pid: pid != NOBODY)


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    yield made
    made.close()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "monotonic_ns", made)
    return made


def test_there_are_so_many_seats(place: Place) -> None:
    first, second, third = place.worker(ASLEEP), place.worker(RUNNING), place.worker(SECOND)
    assert [each.sit() for each in (first, second, third)] == [True, True, False]
    assert [each.is_seated for each in (first, second, third)] == [True, True, False]
    assert not place.is_ringing()


def test_who_rises_rings_for_the_next(place: Place) -> None:
    first, second, third = place.worker(ASLEEP), place.worker(RUNNING), place.worker(SECOND)
    assert first.sit()
    assert second.sit()
    first.rise()
    assert place.is_ringing(1)
    assert third.answer()
    assert (first.is_seated, third.is_seated) == (False, True)
    # Nobody else is wanted, and a second answer finds the bell silent.
    assert not place.is_ringing()
    assert not first.answer()
    first.rise()
    assert third.is_seated


def test_one_answer_rings_for_the_next_while_seats_are_free(place: Place) -> None:
    first, second = place.worker(ASLEEP), place.worker(RUNNING)
    assert first.sit()
    first.rise()
    assert first.answer()
    assert place.is_ringing(1)
    assert second.answer()
    assert second.is_seated


def test_the_alarm_runs_from_the_beginning_of_a_turn(place: Place) -> None:
    first = place.worker(ASLEEP)
    assert first.sit()
    assert not place.is_ringing(2 * LATE_S)
    first.works()
    assert place.is_ringing(10)


def test_there_is_one_seat_more_for_each_who_waits_for_something(place: Place, clock: Clock) -> None:
    stuck, other, third, fourth = (place.worker(pid) for pid in (ASLEEP, RUNNING, SECOND, THIRD))
    assert stuck.sit()
    assert other.sit()
    stuck.works()
    assert not third.sit()
    clock.advance(LATE_S * 1.1)
    assert third.sit()
    assert stuck.is_seated
    # As long as the turn may last, it is one.
    for _ in range(5):
        clock.advance(STUCK_S * 2)
        assert not fourth.sit()
    # Another turn in which it waits is another seat.
    assert stuck.rests()
    stuck.works()
    clock.advance(LATE_S * 1.1)
    assert fourth.sit()
    assert all(each.is_seated for each in (stuck, other, third, fourth))


def test_seats_that_were_added_go_when_nobody_waits_any_more(place: Place, clock: Clock) -> None:
    stuck, other, third, fourth = (place.worker(pid) for pid in (ASLEEP, RUNNING, SECOND, THIRD))
    assert stuck.sit()
    assert other.sit()
    for each in (third, fourth):
        stuck.works()
        clock.advance(LATE_S * 1.1)
        assert each.sit()
        stuck.rests()
    for each in (third, fourth):
        each.works()
        assert each.rests()
    clock.advance(1.1)
    for each in (third, fourth):
        each.works()
        assert not each.rests()
    for each in (stuck, other):
        each.works()
        assert each.rests()
    assert not third.sit()


def test_who_rests_is_never_late(place: Place, clock: Clock) -> None:
    stuck, other, third = place.worker(ASLEEP), place.worker(RUNNING), place.worker(SECOND)
    assert stuck.sit()
    assert other.sit()
    stuck.works()
    stuck.rests()
    clock.advance(STUCK_S * 10)
    assert not third.sit()
    assert stuck.is_seated


def test_who_works_keeps_the_seat_for_longer(place: Place, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    def is_running(pid: int) -> bool:
        looked.append(pid)
        return True

    monkeypatch.setattr(module, "_is_running", is_running)
    busy, other, third = place.worker(RUNNING), place.worker(ASLEEP), place.worker(SECOND)
    assert busy.sit()
    assert other.sit()
    busy.works()
    clock.advance(LATE_S * 1.1)
    assert not third.sit()
    assert not third.sit()
    assert looked == [RUNNING]
    clock.advance(AGAIN_S * 1.1)
    assert not third.sit()
    assert looked == [RUNNING] * 2
    clock.advance(STUCK_S)
    assert third.sit()
    assert not busy.is_seated


def test_a_running_process_is_told_from_one_that_is_gone() -> None:
    assert is_running(os.getpid())
    assert not is_running(NOBODY)
    assert is_alive(os.getpid())
    assert not is_alive(NOBODY)


def test_the_seats_of_the_dead_are_free(place: Place) -> None:
    dead, other, third = place.worker(NOBODY), place.worker(RUNNING), place.worker(ASLEEP)
    assert dead.sit()
    assert other.sit()
    assert third.sit()
    assert not dead.is_seated


def test_who_stands_by_rings_for_the_dead_that_nobody_else_has_seen(place: Place) -> None:
    dead, other, third = place.worker(NOBODY), place.worker(RUNNING), place.worker(ASLEEP)
    assert other.sit()
    third.look()
    assert not place.is_ringing(2 * LATE_S)
    assert dead.sit()
    third.look()
    assert place.is_ringing(1)
    assert third.answer()
    assert not dead.is_seated
    other.look()
    assert not place.is_ringing(2 * LATE_S)


def test_the_supervisor_rings_for_one_that_has_ended(place: Place) -> None:
    ended, other = place.worker(ASLEEP), place.worker(RUNNING)
    assert ended.sit()
    place.owner.vacate(other._pid)
    # It had no seat, but may have been on its way to one.
    assert place.is_ringing(1)
    os.read(place.owner.alarm_fd, 8)
    assert ended.is_seated
    place.owner.vacate(ASLEEP)
    assert place.is_ringing(1)
    assert other.answer()


def test_an_alarm_that_nobody_answers_is_set_again(place: Place, clock: Clock) -> None:
    first = place.worker(ASLEEP)
    assert first.sit()
    first.works()
    assert place.is_ringing(10)
    # Whoever was woken is killed before it answers, and what it read is gone.
    os.read(place.owner.alarm_fd, 8)
    first.works()
    assert not place.is_ringing(2 * LATE_S)
    clock.advance(1.0)
    first.works()
    assert place.is_ringing(10)


def test_what_is_no_gate_is_refused(place: Place) -> None:
    fd = os.memfd_create("other")
    try:
        with pytest.raises(ValueError, match=r"mmap|no gate"):
            Gate(fd, place.owner.alarm_fd)
        os.ftruncate(fd, 8192)
        with pytest.raises(ValueError, match="is no gate"):
            Gate(fd, place.owner.alarm_fd)
    finally:
        os.close(fd)


def test_a_worker_finds_it_in_its_environment_once(place: Place) -> None:
    page, alarm = place.owner.page_fd, place.owner.alarm_fd
    environ = {"CHAUSSETTE_GATE": f"5:{alarm}", "A": "b"}
    os.set_inheritable(page, True)
    assert from_environ(environ, {5: page}) == GateFds(page, alarm)
    assert environ == {"A": "b"}
    assert not os.get_inheritable(page)
    assert from_environ(environ) is None


@pytest.mark.parametrize("text", ["7", "a:b", "1:2:3", "-1:4", "999999:999998"])
def test_a_wrong_variable_is_named(text: str) -> None:
    with pytest.raises(UsageError, match=f"CHAUSSETTE_GATE.*{text}"):
        from_environ({"CHAUSSETTE_GATE": text})
