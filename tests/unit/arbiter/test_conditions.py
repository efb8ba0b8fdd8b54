"""What is told of a watcher beside its state, in one line."""

from __future__ import annotations

import pytest

from circus_stack.arbiter.condition import Condition, GivenUp, LastEnd
from circus_stack.arbiter.patient import HealthView

LAST = LastEnd(pid=7, wid=1, exit_code=3, ended="exited with status 3", time=0.0)
SICK, WELL = HealthView(False, 3, "answered 503"), HealthView(True)


@pytest.mark.parametrize(
    ("condition", "line"),
    [
        (Condition(), ""),
        (Condition(last_end=LAST), ""),
        (Condition(waits_for={"redis": "is starting"}), "waits for redis, which is starting"),
        (
            Condition(waits_for={"a": "has failed", "b": "is stopped"}),
            "waits for a, which has failed, b, which is stopped",
        ),
        (Condition(degraded_by={"redis": "is unready"}), "degraded: redis is unready"),
        (
            Condition(failures=4, retry_at=9.0, last_end=LAST),
            "waits after 4 failures in a row; the last: pid 7 exited with status 3",
        ),
        (
            Condition(health={None: SICK}, degraded_by={"a": "is unready"}),
            "unhealthy: answered 503; degraded: a is unready",
        ),
        (Condition(health={1: SICK, 2: WELL, 3: HealthView()}), "1 of 3 unhealthy: answered 503"),
        (Condition(health={None: WELL}), ""),
        (Condition(given_up=GivenUp("given up after 3", 0.0), failures=3, retry_at=1.0), "given up after 3"),
    ],
)
def test_the_line_says_what_the_state_does_not(condition: Condition, line: str) -> None:
    assert condition.detail() == line
