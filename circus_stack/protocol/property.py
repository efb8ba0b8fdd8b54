"""The properties that commands take: their types, and what is said about a value that isn't of its type. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from circus_stack.literals import MAX_LINE, MAX_NAME, MAX_PROCESSES, parse_bool, parse_seconds, parse_whole

# Characters of a reason, which an event carries to everybody.
MAX_REASON = 500


class PropertyType(Struct, frozen=True):
    """How a value is read; `parse` takes any JSON value (a command line hands in text) and raises ValueError.

    With `takes_rest` a command line hands in all the words that are left, as a tuple of texts.
    """

    name: str
    parse: Callable[[Any], Any]
    legal: str
    takes_rest: bool = False


class Property(Struct, frozen=True):
    """The declaration of one property of a command.

    `flag` is the command line's spelling where it is not `--name`; with `inverts` the flag stands for False.
    """

    name: str
    type: PropertyType
    help: str
    is_required: bool = False
    default: Any = None
    flag: str = ""
    inverts: bool = False
    aliases: tuple[str, ...] = ()


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not a text")
    return value


def _name(value: Any) -> str:
    text = _text(value)
    if len(text.encode("utf-8", "replace")) > MAX_NAME:
        raise ValueError("too long")
    return text


def _reason(value: Any) -> str:
    text = _text(value)
    if len(text) > MAX_REASON or not text.isprintable():
        raise ValueError("too long, or of several lines")
    return text


def _number(value: Any) -> int | str:
    """What may stand for a whole number: JSON's own, or the text of a command line."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("not a whole number")
    return value


def _count(value: Any) -> int:
    return parse_whole(_number(value), 0)


def _difference(value: Any) -> int:
    return parse_whole(_number(value), -MAX_PROCESSES, MAX_PROCESSES)


def _pid(value: Any) -> int:
    # A pid is what the kernel's pid_t holds; 0 and below would reach process groups.
    return parse_whole(_number(value), 1, 2**31 - 1)


def _seconds(value: Any) -> float:
    return parse_seconds(value if isinstance(value, float) else _number(value))


def _bool(value: Any) -> bool:
    return value if isinstance(value, bool) else parse_bool(str(_number(value)))


def _signal(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise ValueError("not a signal")
    return str(value)


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_text(value),)
    if not isinstance(value, list | tuple):
        raise ValueError("not a list")
    return tuple(_text(each) for each in value)


def _line(value: Any) -> str:
    """A command line: a text, or a single word, as it is; several words quoted, so that each stays one."""
    if isinstance(value, list | tuple) and len(value) > 1:
        return _bounded(shlex.join(_words(value)))
    return _bounded(_text(value[0] if isinstance(value, list | tuple) and value else value))


def _args(value: Any) -> str:
    """Arguments: a text as it is, words quoted, so that each stays one. None are none."""
    return _bounded(value if isinstance(value, str) else shlex.join(_words(value)))


def _bounded(line: str) -> str:
    if len(line) > MAX_LINE:
        raise ValueError("too long")
    return line


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _pairs(value: Any) -> dict[str, Any]:
    """An object as it is, or words in pairs."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, list | tuple) or not value or len(value) % 2 or not all(isinstance(k, str) for k in value):
        raise ValueError("not pairs")
    return dict(zip(value[::2], value[1::2], strict=True))


TEXT = PropertyType("text", _text, "a text")
NAME = PropertyType("name", _name, f"a text of {MAX_NAME} bytes at most")
REASON = PropertyType("reason", _reason, f"a text of one line, {MAX_REASON} characters at most")
COUNT = PropertyType("count", _count, "a whole number, 0 or more")
DIFFERENCE = PropertyType("number of processes", _difference, f"a whole number, {-MAX_PROCESSES} to {MAX_PROCESSES}")
PID = PropertyType("pid", _pid, "a process id")
SECONDS = PropertyType("seconds", _seconds, "a number of seconds, 0 or more")
BOOL = PropertyType("boolean", _bool, "true or false")
SIGNAL = PropertyType("signal", _signal, "a signal's name or number: TERM, SIGHUP, 10, SIGRTMIN+1")
WORDS = PropertyType("names", _words, "a list of texts", takes_rest=True)
LINE = PropertyType("command line", _line, f"a command line, {MAX_LINE} characters at most", takes_rest=True)
ARGS = PropertyType("arguments", _args, f"a text or a list of texts, {MAX_LINE} characters at most")
OBJECT = PropertyType("object", _object, "an object: option names and values")
PAIRS = PropertyType("options", _pairs, "an object, or words in pairs: OPTION VALUE", takes_rest=True)


def choice(*words: str) -> PropertyType:
    """One of a few words."""

    def parse(value: Any) -> str:
        if value not in words:
            raise ValueError("unknown word")
        return str(value)

    return PropertyType("|".join(words), parse, ", ".join(words[:-1]) + " or " + words[-1])
