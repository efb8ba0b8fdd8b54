"""The text of an `env_file`: NAME=VALUE lines as dotenv files have them. Pure; the grammar is python-dotenv's.

Nothing of a value, nor of a line that can't be read, may come into a message: all of it may be secret.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from dotenv.parser import Binding

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


class Flaw(Struct, frozen=True):
    """What is wrong in a line, counted from 1."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class EnvText:
    """The variables, and what could not be read."""

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    flaws: tuple[Flaw, ...] = ()


def parse_env_text(text: str) -> EnvText:
    """All of a file; the last line of a name counts. `${X}` in a value is left as it is."""
    # Here, since most stacks have no such file.
    from dotenv.parser import parse_stream

    variables: dict[str, str] = {}
    flaws: list[Flaw] = []
    for binding in parse_stream(io.StringIO(text)):
        if binding.key is None and not binding.error:
            continue
        message = _mistake(binding)
        if message:
            flaws.append(Flaw(_line(binding), message))
        else:
            variables[binding.key or ""] = binding.value or ""
    return EnvText(variables, tuple(flaws))


def _mistake(binding: Binding) -> str:
    if binding.error:
        return "it is not of the form NAME=VALUE, or a quote is not closed"
    if binding.value is None:
        return "it has no ="
    if _NAME.fullmatch(binding.key or "") is None:
        return "what stands before the = is no name of a variable"
    return "the value holds a zero byte" if "\0" in binding.value else ""


def _line(binding: Binding) -> int:
    """The parser counts from the blank lines before."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")
