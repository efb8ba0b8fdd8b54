"""Keeps secrets out of what is printed and sent. Pure.

Whoever wrote the text may be a stranger: each pattern is bounded, so that the time grows with the length alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "***"
_PASSWORD = re.compile(r"(?P<scheme>\b[A-Za-z][\w+.-]{0,30}://[^\s/:@'\"]*):[^\s/@'\"]+@")
# Names of options and of variables whose value is a secret.
_SECRET = r"passw|secret|token|credential|api_?key|private_?key|access_?key|auth"
_NAME = re.compile(_SECRET, re.IGNORECASE)
_FLAG = r"--?[\w-]{0,40}?(?:pass|secret|token|credential|auth|key)[\w-]{0,40}"
# A word of a command line, with what is quoted in it.
_WORD = r"(?:\"(?:\\.|[^\"\\])*\"|'[^']*'|\S)+"
_GIVEN = re.compile(
    rf"(?:(?<![\w-])(?P<flag>{_FLAG}(?:\s{{0,8}}=\s{{0,8}}|\s{{1,8}}))"
    rf"|(?<!\w)(?P<name>(?!\d)\w{{0,40}}?(?:{_SECRET})\w{{0,40}}=)){_WORD}",
    re.IGNORECASE,
)
_BARE_FLAG = re.compile(_FLAG, re.IGNORECASE)


def mask_urls(text: str) -> str:
    """The text with the password of each URL hidden: `redis://:secret@host` -> `redis://:***@host`."""
    return _PASSWORD.sub(rf"\g<scheme>:{MASK}@", text)


def mask_command(text: str) -> str:
    """A command line, or other text, with what a password's flag or variable is given hidden, too: `--token abc`,
    `PGPASSWORD="a b"`."""
    return _GIVEN.sub(lambda found: f"{found['flag'] or found['name']}{MASK}", mask_urls(text))


def mask_words(words: Iterable[str]) -> list[str]:
    """The same for a command line that has been split into its words."""
    found: list[str] = []
    is_given = False
    for word in words:
        found.append(MASK if is_given else mask_command(word))
        is_given = not is_given and _BARE_FLAG.fullmatch(word) is not None
    return found


def is_secret_name(name: str) -> bool:
    """Whether an option or a variable of this name holds a secret."""
    return _NAME.search(name) is not None
