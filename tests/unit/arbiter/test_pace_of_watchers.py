"""The pause between the starts of two watchers, on a clock and a loop that only the test moves."""

from __future__ import annotations

from collections.abc import Callable

from circus_stack.arbiter.pace import Pace


class Beats:
    def __init__(self) -> None:
        self.count = 0

    def beat(self) -> None:
        self.count += 1


class Later:
    """Notes what is to be called, and after how long."""

    def __init__(self) -> None:
        self.due: list[tuple[float, Callable[[], None]]] = []

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> object:
        self.due.append((delay_s, callback))
        return self


def paced(delay_s: float) -> tuple[Pace, list[float], Later, Beats]:
    now, later, beats = [100.0], Later(), Beats()
    return Pace(later, beats, lambda: now[0], lambda: delay_s), now, later, beats  # type: ignore[arg-type]


def test_without_a_delay_all_may_go() -> None:
    pace, _, later, _ = paced(0.0)
    assert all(pace.may_go() for _ in range(9))
    assert later.due == []


def test_the_second_waits_and_is_told_when_it_may_go() -> None:
    pace, now, later, beats = paced(2.0)
    assert pace.may_go()
    now[0] += 0.5
    assert not pace.may_go()
    assert not pace.may_go()
    [(delay_s, wake)] = later.due
    assert delay_s == 1.5
    now[0] += 1.5
    wake()
    assert beats.count == 1
    assert pace.may_go()
    assert not pace.may_go()
    assert len(later.due) == 2


def test_who_comes_late_need_not_wait() -> None:
    pace, now, _, _ = paced(2.0)
    assert pace.may_go()
    now[0] += 9.0
    assert pace.may_go()
