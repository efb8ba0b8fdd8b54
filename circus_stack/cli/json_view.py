"""JSON in colours, for a person who asked for it in a terminal. Pure."""

from __future__ import annotations

import re

from circus_stack.cli.style import CYAN, GREEN, YELLOW, Style

# A key with its colon, another text, or a word: numbers, true, false, null.
_TOKEN = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|\b(-?\d[\d.eE+-]*|true|false|null)\b')


def paint_json(text: str, style: Style) -> str:
    """Indented JSON with its keys, texts and numbers told apart; as it is where there are no colours."""
    return _TOKEN.sub(lambda match: _painted(match, style), text) if style.has_colour else text


def _painted(match: re.Match[str], style: Style) -> str:
    string, colon, word = match.groups()
    if string is None:
        return style.paint(word, YELLOW)
    return style.paint(string, CYAN) + colon if colon else style.paint(string, GREEN)
