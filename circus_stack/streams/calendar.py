"""At which moments a timed log file turns over. Pure: seconds since the epoch in, seconds since the epoch out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

_UNIT_S = {"S": 1, "M": 60, "H": 3600, "D": 86400}
# What Circus puts after the name: scripts that look for old files know it.
_SUFFIX = {"S": "%Y%m%d%H%M%S", "M": "%Y%m%d%H%M", "H": "%Y%m%d%H"}
_DAY = "%Y%m%d"


class Calendar(Struct, frozen=True):
    """`when` is S, M, H, D (`interval` of them), MIDNIGHT (each `interval` days) or W0 to W6 (W0 is Monday)."""

    when: str
    interval: int = 1
    utc: bool = False

    def next_turn(self, epoch_s: float) -> float:
        """The first moment after `epoch_s` at which a new file begins."""
        if self.when in _UNIT_S:
            return epoch_s + _UNIT_S[self.when] * self.interval
        day = self._local(epoch_s).replace(hour=0, minute=0, second=0, microsecond=0)
        if self.when == "MIDNIGHT":
            return (day + timedelta(days=self.interval)).timestamp()
        return (day + timedelta(days=self._days_to_weekday(day))).timestamp()

    def dated(self, path: Path, turn_s: float) -> Path:
        """What a file that ended at `turn_s` is called: `app.log.20261122`, after the interval it holds."""
        return path.with_name(f"{path.name}.{self._local(self._began(turn_s)).strftime(self._suffix)}")

    @property
    def suffix_pattern(self) -> str:
        """A regular expression for what `dated` adds to a name."""
        digits = self._suffix
        for directive, width in (("%Y", 4), ("%m", 2), ("%d", 2), ("%H", 2), ("%M", 2), ("%S", 2)):
            digits = digits.replace(directive, rf"\d{{{width}}}")
        return rf"\.{digits}(\.\d+)?"

    @property
    def _suffix(self) -> str:
        return _SUFFIX.get(self.when, _DAY)

    def _began(self, turn_s: float) -> float:
        if self.when in _UNIT_S:
            return turn_s - _UNIT_S[self.when] * self.interval
        days = self.interval if self.when == "MIDNIGHT" else 7
        return (self._local(turn_s) - timedelta(days=days)).timestamp()

    def _days_to_weekday(self, day: datetime) -> int:
        """To the end of the chosen weekday: with W6 the file of a week ends as Sunday does."""
        return (int(self.when[1]) - day.weekday()) % 7 + 1

    def _local(self, epoch_s: float) -> datetime:
        return datetime.fromtimestamp(epoch_s, UTC if self.utc else None)
