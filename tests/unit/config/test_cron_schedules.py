"""Which schedules are legal, and when they are due."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from circus_stack.config.cron import Timetable, parse_schedule, parse_zone

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


def shown(epoch: float | None) -> str:
    assert epoch is not None
    return datetime.fromtimestamp(epoch, BERLIN).isoformat(sep=" ")


@pytest.mark.parametrize(
    "text", ["* * * * *", "*/5 8-18 * * mon-fri", "0 0 1,15 jan *", "*/10 * * * * *", "@daily", "@Hourly", "0 0 L * *"]
)
def test_legal(text: str) -> None:
    assert parse_schedule(f"  {text} ") == text


@pytest.mark.parametrize(
    "text", ["", "* * * *", "61 * * * *", "0 0 30 2 *", "@reboot", "@never", "a b c d e", "* * * * * * *"]
)
def test_illegal(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_schedule(text)


def test_zones() -> None:
    assert parse_zone(" Europe/Berlin ") == "Europe/Berlin"
    for text in ("", "Mars/Olympus", "../../etc/passwd", "/etc/localtime"):
        with pytest.raises(ValueError, match="unknown"):
            parse_zone(text)


def test_the_next_and_the_latest_time() -> None:
    table = Timetable("@daily", BERLIN)
    noon = at("2026-06-01 12:00")
    assert shown(table.after(noon)) == "2026-06-02 00:00:00+02:00"
    assert shown(table.latest(noon)) == "2026-06-01 00:00:00+02:00"
    midnight = at("2026-06-01 00:00")
    assert table.latest(midnight) == midnight
    assert table.latest(midnight + 0.4) == midnight
    assert shown(table.after(midnight)) == "2026-06-02 00:00:00+02:00"


def test_an_hour_that_does_not_exist_and_one_that_comes_twice() -> None:
    table = Timetable("30 2 * * *", BERLIN)
    assert shown(table.after(at("2026-03-28 12:00"))) == "2026-03-29 03:00:00+02:00"
    first = table.after(at("2026-10-24 12:00"))
    assert shown(first) == "2026-10-25 02:30:00+02:00"
    assert first is not None
    assert shown(table.after(first)) == "2026-10-26 02:30:00+01:00"
