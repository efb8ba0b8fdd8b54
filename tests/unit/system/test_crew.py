"""Jobs side by side, results in order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from circus_stack.system.crew import Crew

PATIENCE_S = 20.0


@contextmanager
def no_thread_starts() -> Iterator[None]:
    """Each would need a stack that no machine has."""
    before = threading.stack_size(1 << 46)
    try:
        yield
    finally:
        threading.stack_size(before)


def test_results_come_in_the_order_of_the_jobs_whoever_is_done_first() -> None:
    last_is_done = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert last_is_done.wait(PATIENCE_S)
        if number == 2:
            last_is_done.set()
        return number * 10

    assert Crew(work, 2, "test").do([0, 1, 2]) == [0, 10, 20]


def test_two_callers_get_each_their_own_results() -> None:
    crew = Crew(lambda number: number, 3, "test")
    found: dict[int, list[int]] = {}
    callers = [
        threading.Thread(target=lambda start=start: found.update({start: crew.do(range(start, start + 50))}))
        for start in (0, 50, 100)
    ]
    for each in callers:
        each.start()
    for each in callers:
        each.join(PATIENCE_S)
    assert found == {start: list(range(start, start + 50)) for start in (0, 50, 100)}


def test_nothing_to_do_is_done_at_once() -> None:
    assert Crew(lambda number: number, 3, "test").do([]) == []


def test_where_no_thread_can_start_the_work_is_done_by_whoever_asks_until_one_can() -> None:
    crew = Crew(lambda _number: threading.current_thread().name, 2, "test")
    me = threading.current_thread().name
    for _ in range(2):
        with no_thread_starts():
            assert crew.do([0, 1, 2]) == [me, me, me]
    assert me not in crew.do([0, 1, 2])
