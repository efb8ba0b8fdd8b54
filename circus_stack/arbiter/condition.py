"""What a watcher's state alone doesn't tell: whom it waits for, what is wrong with what it uses, why it was given up.
Values and their words only; times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from circus_stack.arbiter.patient import HealthView


class LastEnd(Struct, frozen=True):
    """How a process ended that nobody had asked to; `ended` are the words of `describe_exit`; the code is None where
    only another parent learnt it."""

    pid: int
    wid: int
    exit_code: int | None
    ended: str
    time: float


class GivenUp(Struct, frozen=True):
    """Why a watcher has failed, and when."""

    reason: str
    time: float


class Condition(Struct, frozen=True, kw_only=True):
    """One watcher's condition at one moment.

    `waits_for` and `degraded_by` are watchers that it depends on, with what is wrong with each ("has failed"): before
    its start, and while it runs. `failures` is how often its worst slot has failed in a row, `retry_at` when the next
    one is tried again. `last_end` is kept over a restart, as what happened. `health` is what the probes found, by pid,
    or of the whole watcher under None.
    """

    waits_for: Mapping[str, str] = field(default_factory=dict)
    degraded_by: Mapping[str, str] = field(default_factory=dict)
    given_up: GivenUp | None = None
    last_end: LastEnd | None = None
    failures: int = 0
    retry_at: float | None = None
    health: Mapping[int | None, HealthView] = field(default_factory=dict)

    def detail(self) -> str:
        """One line for a person, without a time in it; empty where there is nothing to tell."""
        if self.given_up is not None:
            return self.given_up.reason
        if self.waits_for:
            return f"waits for {_each(self.waits_for, ', which ')}"
        told = list(filter(None, [self._unhealthy()]))
        told += [f"degraded: {_each(self.degraded_by, ' ')}"] if self.degraded_by else []
        if self.retry_at is not None:
            told.append(f"waits after {self.failures} failures in a row{self._last()}")
        return "; ".join(told)

    def _unhealthy(self) -> str:
        sick = {pid: view for pid, view in self.health.items() if view.is_healthy is False}
        if not sick:
            return ""
        error = next(iter(sick.values())).error
        return f"unhealthy: {error}" if None in sick else f"{len(sick)} of {len(self.health)} unhealthy: {error}"

    def _last(self) -> str:
        return "" if self.last_end is None else f"; the last: pid {self.last_end.pid} {self.last_end.ended}"


def _each(troubles: Mapping[str, str], link: str) -> str:
    return ", ".join(f"{name}{link}{what}" for name, what in troubles.items())
