"""What the flapping plugin knows of one watcher, and what it concludes from it. Pure; moments are seconds."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from circus_stack.literals import parse_bool

INFINITE = -1

T = TypeVar("T", int, float)


class Settings(Struct, frozen=True):
    """`attempts` deaths within `window` seconds are flapping; the watcher is then stopped for `retry_in` seconds, and
    for good after `max_retry` such pauses in a row (-1: never)."""

    attempts: int = 2
    window: float = 1.0
    retry_in: float = 7.0
    max_retry: int = 5
    active: bool = True

    def overridden(self, options: Mapping[str, object]) -> Settings:
        """With what a watcher's options say as `flapping.NAME`. Raises ValueError, which names the option."""
        values: dict[str, object] = {}
        for name, (parse, legal) in _LEGAL.items():
            text = options.get(f"flapping.{name}")
            if text is None:
                continue
            try:
                values[name] = parse(str(text))
            except ValueError:
                raise ValueError(f"flapping.{name}: found {text!r}; legal: {legal}") from None
        return replace(self, **values)


def _attempts(text: str) -> int:
    return _at_least(int(text), 1)


def _seconds(text: str) -> float:
    return _at_least(float(text), 0)


def _retries(text: str) -> int:
    return _at_least(int(text), INFINITE)


def _at_least(number: T, least: float) -> T:
    if not least <= number < float("inf"):
        raise ValueError("out of range")
    return number


_LEGAL = {
    "attempts": (_attempts, "a whole number, 1 or more"),
    "window": (_seconds, "a number of seconds, 0 or more"),
    "retry_in": (_seconds, "a number of seconds, 0 or more"),
    "max_retry": (_retries, "a whole number, 0 or more, or -1 for ever"),
    "active": (parse_bool, "yes, true, on, 1, no, false, off or 0"),
}


class Verdict(Enum):
    """What is to be done about a watcher."""

    NOTHING = "nothing"
    PAUSE = "pause"
    GIVE_UP = "give up"


class Pause(Struct):
    """A watcher that the plugin has stopped. `since` is the arbiter's own time; `job` names the stop."""

    since: float
    job: object = None
    is_down: bool = False


class Record(Struct):
    """One watcher: its deaths of late, how often it was paused in a row, and the pause that it is in."""

    tries: int = 0
    pause: Pause | None = None
    _deaths: list[float] = field(default_factory=list)
    _held_back: float = 0.0
    _is_resuming: bool = False

    def held_back(self, delay: float) -> None:
        """The arbiter lets the next process wait: that is no time which the watcher ran well."""
        if self._deaths:
            self._held_back += delay

    def died(self, now: float, settings: Settings) -> Verdict:
        """A process died that nobody had asked to go."""
        if not settings.active or self.pause is not None:
            return Verdict.NOTHING
        self._deaths.append(now)
        if len(self._deaths) < settings.attempts:
            return Verdict.NOTHING
        span = self._deaths[-1] - self._deaths[0] - self._held_back
        self._forget_deaths()
        if span > settings.window:
            self.tries = 0
            return Verdict.NOTHING
        if settings.max_retry != INFINITE and self.tries >= settings.max_retry:
            self.tries = 0
            return Verdict.GIVE_UP
        self.tries += 1
        return Verdict.PAUSE

    def _forget_deaths(self) -> None:
        self._deaths.clear()
        self._held_back = 0.0

    def stopped(self) -> bool:
        """The watcher is down. True for the end of our own stop; another one is somebody else's word."""
        if self.pause is not None and not self.pause.is_down:
            self.pause.is_down = True
            return True
        self.taken_over()
        return False

    def resumed(self) -> None:
        """The pause is over, and we have started the watcher again: its tries still count."""
        self.pause = None
        self._is_resuming = True

    def started(self) -> None:
        """The watcher came up: by our word, by old news from before our stop was done, or by somebody else's word."""
        if self._is_resuming:
            self._is_resuming = False
        elif self.pause is None or self.pause.is_down:
            self.taken_over()

    def taken_over(self) -> None:
        """Somebody else decides about the watcher now: no plan of ours stands."""
        self.pause = None
        self.tries = 0
        self._is_resuming = False
        self._forget_deaths()
