"""Times, as people and machines read them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple


class ClockTime(NamedTuple):
    """`iso` for machines, `text` for people, both UTC."""

    iso: str
    text: str


def clock_time(posted_ms: int) -> ClockTime:
    """Milliseconds since 1970 as a time of day and date."""
    moment = datetime.fromtimestamp(posted_ms // 1000, UTC)
    return ClockTime(moment.isoformat(), f"{moment.day} {moment:%b %Y, %H:%M} UTC")
