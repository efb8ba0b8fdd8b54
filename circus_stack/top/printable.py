"""Text of others (names, command lines, what processes wrote) made fit for a terminal: it must not steer it. Pure."""

from __future__ import annotations

import re

# CSI and OSC sequences, then any other escape; what is left of control characters is shown as a dot.
_SEQUENCE = re.compile(r"\x1b\[[0-9;?<=>]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """One line without escape sequences; tabs become blanks."""
    if text.isprintable():
        return text
    return _CONTROL.sub("·", _SEQUENCE.sub("", text).replace("\t", "  "))
