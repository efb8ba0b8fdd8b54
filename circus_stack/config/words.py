"""A command line's words, as `shlex.split` gives them, in a time that grows with the text and no faster. Pure.

The standard library's appends character by character to an attribute, which copies the word each time: a word of 900 KB
took it more than ten seconds (CPython 3.11), and whoever may send a message could have stopped an arbiter's loop by it.
"""

from __future__ import annotations

import re

# One of Circus's variables in a text: $(circus.X) or ((circus.X)), in any case.
VARIABLE = re.compile(r"\$\((circus\.[^()\s]+)\)|\(\((circus\.[^()\s]+)\)\)", re.IGNORECASE)
# What a word is put together from. No two of them begin alike, so that nothing is ever tried twice.
_PIECE = re.compile(
    r"""(?P<blank>[ \t\r\n]+)
    | (?P<plain>[^ \t\r\n'"\\]+)
    | '(?P<single>[^']*)'
    | "(?P<double>[^"\\]*(?:\\.[^"\\]*)*)"
    | \\(?P<escaped>.)""",
    re.DOTALL | re.VERBOSE,
)
# Between double quotes a backslash stands for itself before anything else.
_ESCAPED = re.compile(r'\\(["\\])')


def split(text: str) -> list[str]:
    """Words, without their quotes. Raises ValueError for a quote that isn't closed, or a backslash at the end."""
    words: list[str] = []
    pieces: list[str] | None = None
    position = 0
    while position < len(text):
        match = _PIECE.match(text, position)
        if match is None:
            raise ValueError("No escaped character" if text[position] == "\\" else "No closing quotation")
        position = match.end()
        if match.lastgroup == "blank":
            if pieces is not None:
                words.append("".join(pieces))
            pieces = None
        else:
            pieces = [] if pieces is None else pieces
            pieces.append(_unquoted(match))
    return words if pieces is None else [*words, "".join(pieces)]


def _unquoted(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    return _ESCAPED.sub(r"\1", match[kind]) if kind == "double" else match[kind]
