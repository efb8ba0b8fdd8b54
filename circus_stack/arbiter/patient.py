"""What the arbiter knows of the health of one process, or of a whole watcher: counts and words, no probing."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Finding(StrEnum):
    """What the result of one probe means."""

    NOTHING_NEW = "nothing new"
    LOST = "lost"
    STILL_LOST = "still lost"
    REGAINED = "regained"


class HealthView(Struct, frozen=True):
    """The last that is known; `is_healthy` is None before the first probe. `error` is what the last failing probe said,
    and stays when the next one succeeds; times are seconds since the epoch."""

    is_healthy: bool | None = None
    failures: int = 0
    error: str = ""
    checked_at: float | None = None
    failed_at: float | None = None


class PatientRecord(Struct, frozen=True, kw_only=True):
    """What an arbiter hands over of a patient: `since` is monotonic seconds, times named `..._at` are of the day."""

    pid: int | None
    since: float
    failures: int = 0
    is_lost: bool = False
    was_healthy: bool = False
    is_healthy: bool | None = None
    error: str = ""
    checked_at: float | None = None
    failed_at: float | None = None


class HealthRecord(Struct, frozen=True, kw_only=True):
    """All that an arbiter hands over of a watcher's health. `is_told`: that it is lost, and not yet that it is back."""

    is_told: bool = False
    patients: tuple[PatientRecord, ...] = ()


class Patient:
    """Whom a probe judges: the process `pid`, or the whole watcher where it is None. `since` is monotonic seconds."""

    def __init__(self, pid: int | None, since: float) -> None:
        self.pid = pid
        self.failures = 0
        self.is_lost = False
        # Whether it has been healthy since it was judged last.
        self.was_healthy = False
        self._since = since
        self._error = ""
        self._is_healthy: bool | None = None
        self._checked_at: float | None = None
        self._failed_at: float | None = None

    def note(self, error: str, now: float, epoch: float, *, threshold: int, start_period: float) -> Finding:
        """The result of a probe: what was wrong, or nothing."""
        self._checked_at, self._is_healthy = epoch, not error
        if not error:
            was_lost, self.is_lost = self.is_lost, False
            self.failures, self.was_healthy = 0, True
            return Finding.REGAINED if was_lost else Finding.NOTHING_NEW
        self._error, self._failed_at = error, epoch
        if not self.was_healthy and now < self._since + start_period:
            return Finding.NOTHING_NEW
        self.failures += 1
        if self.failures < threshold:
            return Finding.NOTHING_NEW
        was_lost, self.is_lost = self.is_lost, True
        return Finding.STILL_LOST if was_lost else Finding.LOST

    def state(self) -> PatientRecord:
        """What others can go on from."""
        return PatientRecord(
            pid=self.pid,
            since=self._since,
            failures=self.failures,
            is_lost=self.is_lost,
            was_healthy=self.was_healthy,
            is_healthy=self._is_healthy,
            error=self._error,
            checked_at=self._checked_at,
            failed_at=self._failed_at,
        )

    @classmethod
    def resumed(cls, record: PatientRecord) -> Patient:
        """Go on where others were."""
        found = cls(record.pid, record.since)
        found.failures, found.is_lost, found.was_healthy = record.failures, record.is_lost, record.was_healthy
        found._error, found._is_healthy = record.error, record.is_healthy
        found._checked_at, found._failed_at = record.checked_at, record.failed_at
        return found

    def begin_anew(self, now: float) -> None:
        """Whom it judges has been replaced: count from here on."""
        self.failures, self.was_healthy, self._since = 0, False, now

    @property
    def is_healthy(self) -> bool | None:
        """What the last probe said; None before the first."""
        return self._is_healthy

    @property
    def error(self) -> str:
        """What the last failing probe said."""
        return self._error

    def view(self) -> HealthView:
        """A frozen copy."""
        return HealthView(self.is_healthy, self.failures, self._error, self._checked_at, self._failed_at)
