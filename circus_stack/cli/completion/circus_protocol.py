"""Circus's own way to complete circusctl: AUTO_COMPLETE=1 with COMP_WORDS and COMP_CWORD, words with blanks between."""

from __future__ import annotations

from collections.abc import Mapping

import click

from circus_stack.cli.completion.suggestions import suggest

_ASKS, _WORDS, _NUMBER = "AUTO_COMPLETE", "COMP_WORDS", "COMP_CWORD"


def is_asked(environ: Mapping[str, str]) -> bool:
    """Whether a shell asks for suggestions in place of running the command."""
    return _ASKS in environ


def answer(command: click.Command, environ: Mapping[str, str], obj: object = None) -> str:
    """The suggestions in one line; empty for variables that make no sense. A value with a blank cannot be told."""
    words = environ.get(_WORDS, "").split()
    number = environ.get(_NUMBER, "")
    if not number.isdecimal() or int(number) < 1:
        return ""
    beginning = words[int(number)] if int(number) < len(words) else ""
    items = suggest(command, words[1 : int(number)], beginning, obj)
    return " ".join(sorted(item.value for item in items if item.type == "plain" and " " not in item.value))
