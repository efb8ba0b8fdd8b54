"""How plain values are written in files, flags and messages alike: booleans, whole numbers, seconds. Pure.

A parser raises ValueError, nothing else, and checks no more than the value; what it is for is its caller's affair.
"""

from __future__ import annotations

# The most processes that one watcher may be asked for. Stacks of 1,000 were measured; a typo of seven digits must be
# refused, not tried.
MAX_PROCESSES = 10_000
# Characters of one text: what a program is given of it as one argument, Linux's MAX_ARG_STRLEN, is 128 KiB.
MAX_TEXT = 128 * 1024 - 1
# Of a command line that a message or a program gives: checked, compared and put into events again and again.
MAX_LINE = 32 * 1024
# Bytes of a watcher's name, which every topic and every list of names carries.
MAX_NAME = 200

_TRUE = frozenset({"yes", "true", "on", "1"})
_FALSE = frozenset({"no", "false", "off", "0"})


def parse_bool(text: str) -> bool:
    """Circus's booleans, in any case."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError("not a boolean")


def parse_whole(value: str | int, least: int, most: float = float("inf")) -> int:
    """A whole number from `least` to `most`, both included."""
    number = int(value)
    if not least <= number <= most:
        raise ValueError("out of range")
    return number


_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_span(text: str) -> float:
    """A length of time that a person gives: seconds, or a number with a unit, `90s`, `10m`, `1.5h`, `7d`; above 0."""
    word = text.strip().lower()
    number = parse_seconds(word[:-1]) * _SPANS[word[-1]] if word[-1:] in _SPANS else parse_seconds(word)
    if number <= 0:
        raise ValueError("out of range")
    return number


def parse_seconds(value: str | float) -> float:
    """0 or more, and finite."""
    try:
        number = float(value)
    except OverflowError:
        raise ValueError("out of range") from None
    if not 0 <= number < float("inf"):
        raise ValueError("out of range")
    return number
