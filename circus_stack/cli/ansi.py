"""Makes programs' output safe for a terminal: colours stay, what else would steer it is made visible. Pure."""

from __future__ import annotations

import re

RESET = "\x1b[0m"

# C0 without tab and newline, DEL, C1: what a terminal obeys in place of showing it.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_COLOUR_OR_CONTROL = re.compile(r"(\x1b\[[0-9;:]*m)|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def is_harmless(text: str) -> bool:
    """Whether there is nothing in `text` that a terminal would obey, but tabs and newlines."""
    return _CONTROL.search(text) is None


def make_safe(line: str) -> str:
    """One line: its colours kept and ended with it, other control characters in caret notation (`^G`, `^[`).

    A carriage return at the end is dropped: it belongs to the end of the line.
    """
    safe = _COLOUR_OR_CONTROL.sub(_keep_colour, line.removesuffix("\r"))
    return safe + RESET if "\x1b[" in safe else safe


def without_colours(line: str) -> str:
    """`line` without the codes of its colours, for a reader that has none."""
    return _COLOUR.sub("", line) if "\x1b[" in line else line


def _keep_colour(match: re.Match[str]) -> str:
    return match[1] or _visible(ord(match[0]))


def _visible(code: int) -> str:
    if code == 0x7F:
        return "^?"
    return f"^{chr(code + 0x40)}" if code < 0x20 else f"\\x{code:02x}"
