"""When timed log files turn over."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from circus_stack.streams.calendar import Calendar

# A Wednesday.
NOW = datetime(2026, 11, 25, 15, 30, 10, tzinfo=UTC).timestamp()


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("when", "interval", "turn"),
    [
        ("S", 30, utc(2026, 11, 25, 15, 30, 40)),
        ("M", 5, utc(2026, 11, 25, 15, 35, 10)),
        ("H", 1, utc(2026, 11, 25, 16, 30, 10)),
        ("D", 2, utc(2026, 11, 27, 15, 30, 10)),
        ("MIDNIGHT", 1, utc(2026, 11, 26)),
        ("MIDNIGHT", 7, utc(2026, 12, 2)),
        ("W2", 1, utc(2026, 11, 26)),
        ("W6", 1, utc(2026, 11, 30)),
        ("W0", 1, utc(2026, 12, 1)),
    ],
)
def test_next_turn(when: str, interval: int, turn: float) -> None:
    assert Calendar(when, interval, utc=True).next_turn(NOW) == turn


@pytest.mark.parametrize(
    ("when", "name"),
    [
        ("S", "x.log.20261125153010"),
        ("M", "x.log.202611251530"),
        ("H", "x.log.2026112515"),
        ("D", "x.log.20261125"),
        ("MIDNIGHT", "x.log.20261125"),
    ],
)
def test_a_file_is_named_after_its_beginning(when: str, name: str) -> None:
    calendar = Calendar(when, utc=True)
    path = calendar.dated(Path("x.log"), calendar.next_turn(NOW))
    assert path.name == name
    assert re.fullmatch(r"x\.log" + calendar.suffix_pattern, path.name)


def test_a_week_is_named_after_its_first_day() -> None:
    calendar = Calendar("W6", utc=True)
    assert calendar.dated(Path("x.log"), calendar.next_turn(NOW)).name == "x.log.20261123"


def test_local_midnight_is_midnight() -> None:
    turn = datetime.fromtimestamp(Calendar("MIDNIGHT").next_turn(NOW))
    assert (turn.hour, turn.minute, turn.second) == (0, 0, 0)
