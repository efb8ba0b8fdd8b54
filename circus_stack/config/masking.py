"""Keeps secrets out of what is printed. Pure."""

from __future__ import annotations

import re

_PASSWORD = re.compile(r"(?P<scheme>\b[A-Za-z][\w+.-]{0,30}://[^\s/:@'\"]*):[^\s/@'\"]+@")
_MASK = "***"


def mask_urls(text: str) -> str:
    """The text with the password of each URL hidden: `redis://:secret@host` -> `redis://:***@host`."""
    return _PASSWORD.sub(rf"\g<scheme>:{_MASK}@", text)
