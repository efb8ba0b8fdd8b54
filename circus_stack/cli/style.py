"""How much a file descriptor can show: colours, symbols, and whether a person looks at it. No printing here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

# Foreground colours that are readable on dark and on light grounds; red is kept for what went wrong.
HUES = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
RED, GREEN, YELLOW, CYAN = 31, 32, 33, 36
BOLD, DIM = 1, 2


@dataclass(frozen=True, slots=True)
class Style:
    """`is_terminal`: somebody looks at it, so that cursor movements in a program's output must be kept from it.

    `width` is the terminal's in columns, None for a pipe.
    """

    is_terminal: bool = False
    has_colour: bool = False
    has_symbols: bool = False
    width: int | None = None

    def paint(self, text: str, *codes: int) -> str:
        """`text` with these SGR codes, where there are colours."""
        if not self.has_colour or not codes or not text:
            return text
        return f"\x1b[{';'.join(map(str, codes))}m{text}\x1b[0m"


PLAIN = Style()


def style_of(fd: int, environ: Mapping[str, str]) -> Style:
    """The style of a file descriptor. NO_COLOR (not empty) takes colours away, FORCE_COLOR gives them to a pipe."""
    is_terminal = _is_terminal(fd)
    return Style(
        is_terminal=is_terminal,
        has_colour=_has_colour(is_terminal, environ),
        has_symbols=is_terminal and _is_utf8(environ),
        width=_width(fd) if is_terminal else None,
    )


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False


def _width(fd: int) -> int | None:
    try:
        # A terminal that doesn't know its size says 0.
        return os.get_terminal_size(fd).columns or None
    except OSError:
        return None


def _has_colour(is_terminal: bool, environ: Mapping[str, str]) -> bool:
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR", "") not in ("", "0"):
        return True
    return is_terminal and environ.get("TERM", "dumb") != "dumb"


def _is_utf8(environ: Mapping[str, str]) -> bool:
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    return "utf-8" in locale.lower() or "utf8" in locale.lower()
