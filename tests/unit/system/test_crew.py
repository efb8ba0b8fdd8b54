"""Jobs side by side, results in order."""

from __future__ import annotations

import threading

from circus_stack.system.crew import Crew

PATIENCE_S = 20.0


def test_results_come_in_the_order_of_the_jobs_whoever_is_done_first() -> None:
    last_is_done = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert last_is_done.wait(PATIENCE_S)
        if number == 2:
            last_is_done.set()
        return number * 10

    assert list(Crew(work, 2, "test").do([0, 1, 2])) == [0, 10, 20]


def test_one_crew_does_many_batches_at_once() -> None:
    crew = Crew(lambda number: number, 3, "test")
    batches = [crew.do(range(start, start + 50)) for start in (0, 50, 100)]
    assert [list(batch) for batch in batches] == [list(range(start, start + 50)) for start in (0, 50, 100)]
