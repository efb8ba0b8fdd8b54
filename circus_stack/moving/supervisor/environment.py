"""supervisord's `environment = A="x",B='y'`: pairs, with quotes where a value holds a comma. Pure."""

from __future__ import annotations

import shlex

from circus_stack.config.document import Entry
from circus_stack.config.problems import Problems

# What supervisor counts among the characters of a word; and %, which here begins a variable of ours.
_WORD = "/.+-():%$"


def parse_environment(text: str, entry: Entry, title: str, problems: Problems) -> dict[str, str]:
    """Name -> value; a text that supervisor refuses is a mistake."""
    lexer = shlex.shlex(text)
    lexer.wordchars += _WORD
    found: dict[str, str] = {}
    try:
        tokens = list(lexer)
    except ValueError as error:
        tokens = ["", str(error)]
    for start in range(0, len(tokens), 4):
        pair = tokens[start : start + 3]
        if len(pair) != 3 or pair[1] != "=":
            problems.add(
                "is not valid", entry.where, section=title, option="environment", found=text, legal='NAME="VALUE",...'
            )
            return {}
        found[pair[0]] = pair[2].strip("'\"")
    return found
