"""What a program of ours says itself: one message, in one of three forms. Where it goes is the caller's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache

from msgspec import Struct, field

from circus_stack.cli.style import BOLD, DIM, GREEN, PLAIN, RED, YELLOW, Style


class Level(IntEnum):
    """How loud a message is: the numbers of `logging`. GOOD is an info that somebody waited for."""

    DEBUG = 10
    INFO = 20
    GOOD = 21
    WARNING = 30
    ERROR = 40

    @classmethod
    def at_least(cls, number: int) -> Level:
        """The level of a record of `logging`."""
        return max(
            (level for level in (cls.DEBUG, cls.INFO, cls.WARNING, cls.ERROR) if level <= number), default=cls.DEBUG
        )


class Message(Struct, frozen=True):
    """`text` is a sentence without a full stop, perhaps of several lines; `fields` are for those who read JSON."""

    level: Level
    text: str
    time: float
    fields: Mapping[str, object] = field(default_factory=dict)


Form = Callable[[Message], str]
_WORDS = {Level.WARNING: "warning: ", Level.ERROR: "error: "}
_MARKS = {
    Level.DEBUG: ("\N{MIDDLE DOT}", (DIM,)),
    Level.INFO: ("\N{MIDDLE DOT}", (DIM,)),
    Level.GOOD: ("\N{CHECK MARK}", (GREEN, BOLD)),
    Level.WARNING: ("!", (YELLOW, BOLD)),
    Level.ERROR: ("\N{BALLOT X}", (RED, BOLD)),
}
_TONES = {Level.DEBUG: (DIM,), Level.WARNING: (YELLOW,), Level.ERROR: (RED,)}


def form_for_people(program: str, style: Style = PLAIN) -> Form:
    """`circus-stack: warning: text`; on a terminal that can show them, a coloured mark in place of these words."""

    def render(message: Message) -> str:
        text = style.paint(message.text, *_TONES.get(message.level, ()))
        if style.has_symbols:
            mark, codes = _MARKS[message.level]
            return f"{style.paint(mark, *codes)} {text}"
        return f"{program}: {_WORDS.get(message.level, '')}{text}"

    return render


def form_of_circus(program: str, pid: int) -> Form:
    """Circus's: `2026-11-22 12:00:00 circusd[4711] [INFO] text`."""

    def render(message: Message) -> str:
        moment = _second(int(message.time))
        return f"{moment} {program}[{pid}] [{_level_name(message.level)}] {message.text}"

    return render


@lru_cache(maxsize=8)
def _second(second: int) -> str:
    """A thousand processes that start have a line each, within one second."""
    return datetime.fromtimestamp(second).strftime("%Y-%m-%d %H:%M:%S")


def form_json(program: str, pid: int) -> Form:
    """One JSON object a line: time (RFC 3339, UTC), level, program, pid, message, and the fields."""

    def render(message: Message) -> str:
        moment = datetime.fromtimestamp(message.time, UTC).isoformat(timespec="milliseconds")
        record = {
            "time": moment.replace("+00:00", "Z"),
            "level": _level_name(message.level).lower(),
            "program": program,
            "pid": pid,
            "message": message.text,
        }
        return json.dumps({**record, **message.fields}, ensure_ascii=False, default=str, separators=(",", ":"))

    return render


class Voice:
    """Renders messages and hands them to `say`, those below `threshold` excepted. Never blocks if `say` doesn't."""

    def __init__(
        self,
        say: Callable[[str], None],
        form: Form,
        *,
        threshold: int = Level.INFO,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._say = say
        self._form = form
        self._clock = clock
        self.threshold = threshold

    def speak(self, level: Level, text: str, **fields: object) -> None:
        """Say a message; `fields` add to the JSON form only."""
        if level >= self.threshold:
            self._say(self._form(Message(level, text, self._clock(), fields)))

    def info(self, text: str, **fields: object) -> None:
        """Something happened."""
        self.speak(Level.INFO, text, **fields)

    def good(self, text: str, **fields: object) -> None:
        """Something that was waited for came about."""
        self.speak(Level.GOOD, text, **fields)

    def warn(self, text: str, **fields: object) -> None:
        """Somebody may want to look at it."""
        self.speak(Level.WARNING, text, **fields)

    def fail(self, text: str, **fields: object) -> None:
        """Something does not work."""
        self.speak(Level.ERROR, text, **fields)


def _level_name(level: Level) -> str:
    return "INFO" if level is Level.GOOD else level.name
