"""A command line up to the cursor, split as a shell splits it, also where a quote is still open. Pure."""

from __future__ import annotations

import shlex
from pathlib import PurePath

# Marks the cursor; no command line holds it.
_CURSOR = "\0"
_CLOSERS = ("", '"', "'")


def split_line(line: str) -> tuple[list[str], str]:
    """The words before the cursor, and the one that it stands behind, without quotes; "" for a word not begun."""
    for closer in _CLOSERS:
        try:
            words = shlex.split(line + _CURSOR + closer)
        except ValueError:
            continue
        return words[:-1], words[-1].replace(_CURSOR, "")
    # A backslash before the cursor: the word is what it is without it.
    return split_line(line[:-1]) if line.endswith("\\") else ([], "")


def words_behind(program: str, words: list[str]) -> list[str]:
    """The words behind a program's name, which may stand behind others: `sudo -u web .venv/bin/circusctl list`."""
    for index, word in enumerate(words):
        if PurePath(word).name == program:
            return words[index + 1 :]
    return words[1:]
