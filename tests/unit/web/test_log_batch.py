"""Lines on their way to browsers: bounded in number and size, the newest kept, the others counted."""

from __future__ import annotations

import pytest

from circus_stack.client.loglines import LogRecord
from circus_stack.web.live.log_batch import LONGEST_LINE, MOST_CHARACTERS, MOST_LINES, LogBatch


def record(number: int, text: str = "a line") -> LogRecord:
    return LogRecord(number, "web", 1, 4711, "stdout", 1000.0, text)


def test_lines_are_handed_out_once() -> None:
    batch = LogBatch()
    assert not batch
    batch.add(record(1))
    assert batch
    assert batch.take() == {"lines": [[1, 1000.0, "web", 1, 4711, "stdout", "a line"]], "dropped": 0}
    assert not batch
    assert batch.take() == {"lines": [], "dropped": 0}


def test_of_too_many_the_newest_are_kept() -> None:
    batch = LogBatch()
    for number in range(MOST_LINES + 7):
        batch.add(record(number))
    found = batch.take()
    assert found["dropped"] == 7
    assert [row[0] for row in found["lines"]] == list(range(7, MOST_LINES + 7))


@pytest.mark.parametrize("length", [LONGEST_LINE, 10 * LONGEST_LINE])
def test_of_too_long_ones_as_many_as_fit(length: int) -> None:
    batch = LogBatch()
    for number in range(500):
        batch.add(record(number, "x" * length))
    found = batch.take()
    assert sum(len(row[-1]) for row in found["lines"]) <= MOST_CHARACTERS
    assert all(len(row[-1]) <= LONGEST_LINE + 3 for row in found["lines"])
    assert found["dropped"] + len(found["lines"]) == 500
    assert found["lines"][-1][0] == 499
