"""Texts as unit files write them: specifiers, quotes, variables. Pure. Source: systemd.syntax(7)."""

from __future__ import annotations

import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[\w@%+=:,./$-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def escape_value(text: str) -> str:
    """A value that is taken as it stands, such as a path or a description: a % would begin a specifier. Raises
    ValueError for what no line of a unit can hold."""
    if "\n" in text or "\r" in text or text != text.strip() or text.endswith("\\"):
        raise ValueError(f"{text!r} cannot stand in a unit of systemd")
    return text.replace("%", "%%")


def escape_word(text: str) -> str:
    """One word of a list, such as of `Environment=`, in quotes where it needs them."""
    text = text.replace("%", "%%")
    if text and _PLAIN.fullmatch(text):
        return text
    return '"' + "".join(_ESCAPES.get(each, each) for each in text) + '"'


def command_line(words: Iterable[str]) -> str:
    """A command of `ExecStart=`: the first word a path, and no $ a variable."""
    return " ".join(escape_word(word.replace("$", "$$")) for word in words)


def unit_name(text: str) -> str:
    """A name that a unit may have: what systemd doesn't allow there becomes a dash."""
    return re.sub(r"[^A-Za-z0-9:_.-]+", "-", text).strip("-.") or "stack"
