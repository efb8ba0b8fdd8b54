"""Schedules as cron writes them: what is a legal one, and when it is due. Pure; the calendar is cronsim's."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

LEGAL_SCHEDULE = (
    "five fields as in crontab(5) (minute hour day month weekday), six with seconds first, or @hourly, @daily, "
    "@midnight, @weekly, @monthly, @yearly, @annually"
)
_NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_SOME_TIME = datetime(2024, 1, 1, tzinfo=UTC)


def _fields(expression: str) -> str:
    return _NAMED.get(expression.lower(), expression)


def parse_schedule(text: str) -> str:
    """The expression with single blanks; raises ValueError for one that is none, or that is never due."""
    # Here and below: few stacks have a schedule.
    from cronsim import CronSim, CronSimError

    expression = " ".join(text.split())
    try:
        next(CronSim(_fields(expression), _SOME_TIME))
    except (CronSimError, StopIteration) as error:
        raise ValueError(str(error) or "it is never due") from None
    return expression


def parse_zone(text: str) -> str:
    """The name of a time zone of this machine; raises ValueError."""
    from zoneinfo import ZoneInfo

    name = text.strip()
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError("unknown time zone") from None
    return name


class Timetable:
    """When a schedule is due, in seconds since the epoch. Clock changes for daylight saving are handled as by Debian's
    cron: a time that doesn't exist that day is due at the change, one that comes twice once, and what recurs by the
    hour or more often simply goes on."""

    def __init__(self, expression: str, zone: tzinfo) -> None:
        self._expression = _fields(expression)
        self._zone = zone

    def after(self, epoch: float) -> float | None:
        """The first time it is due after that one; None: never again."""
        return self._next(datetime.fromtimestamp(int(epoch), self._zone), reverse=False)

    def latest(self, epoch: float) -> float | None:
        """The last time it was due until then, that one included."""
        return self._next(datetime.fromtimestamp(int(epoch) + 1, self._zone), reverse=True)

    def _next(self, start: datetime, *, reverse: bool) -> float | None:
        from cronsim import CronSim

        found = next(CronSim(self._expression, start, reverse=reverse), None)
        return None if found is None else found.timestamp()
