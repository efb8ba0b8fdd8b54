"""When which watchers are due."""

from collections.abc import Iterable

import pytest

from circus_stack.stats.census import Census, Row
from circus_stack.stats.ticker import Ticker, next_due


@pytest.mark.parametrize(
    ("due", "now", "expected"), [(10.0, 10.0, 11.0), (10.0, 10.3, 11.0), (10.0, 11.0, 12.0), (10.0, 14.5, 15.0)]
)
def test_what_was_missed_is_not_made_up_for(due: float, now: float, expected: float) -> None:
    assert next_due(due, 1.0, now) == expected


def test_each_watcher_is_sampled_at_its_own_pace() -> None:
    census = Census(1.0)
    census.replace({"web": {"processes": []}, "job": {"processes": []}}, 0, {})
    census.set_interval("job", 0.5)
    now, ticks = [100.0], []

    def tick(rows: Iterable[Row]) -> None:
        ticks.append((now[0], *(row.name for row in rows)))

    ticker = Ticker(census, tick=tick, tick_stack=lambda: ticks.append((now[0], "stack")), clock=lambda: now[0])
    for _ in range(3):
        ticker.tick_due()
        now[0] += ticker.wait_s()
    assert ticks == [
        (100.0, "job"),
        (100.0, "web"),
        (100.0, "stack"),
        (100.5, "job"),
        (101.0, "job"),
        (101.0, "web"),
        (101.0, "stack"),
    ]
    now[0] += 0.2
    ticker.tick_due()
    assert ticker.latest_s == pytest.approx(0.2)
