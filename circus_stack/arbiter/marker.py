"""The one variable by which a process, and whatever descends from it, is known as ours: made and read here alone.

`CIRCUS_STACK_PROCESS=INSTANCE/WATCHER/WID/TOKEN`: the id of the stack, the watcher's name with its odd characters as
`%XX`, the slot, and a word that no other process ever had. Children inherit it, wherever they go. Where the arbiter is
itself somebody's process, the variable has both, separated by a blank, the own one last.
"""

from __future__ import annotations

import secrets
from functools import lru_cache
from urllib.parse import quote, unquote

from msgspec import Struct

MARKER_VARIABLE = "CIRCUS_STACK_PROCESS"
# 48 bits: no two processes of one machine will ever have the same.
_TOKEN_BYTES = 6


class Marker(Struct, frozen=True):
    """What the variable says of one process."""

    instance: str
    watcher: str
    wid: int
    token: str

    def __str__(self) -> str:
        return f"{_quoted(self.instance)}/{_quoted(self.watcher)}/{self.wid}/{self.token}"


@lru_cache(maxsize=256)
def _quoted(name: str) -> str:
    """The processes of a watcher that start together share both."""
    return quote(name, safe="")


def new_token() -> str:
    """A word that no other process has."""
    return secrets.token_hex(_TOKEN_BYTES)


def parse_markers(value: str) -> tuple[Marker, ...]:
    """The markers in the variable's value, the innermost arbiter's last; what is none of ours is left out."""
    return tuple(found for word in value.split(" ") if (found := _parse(word)) is not None)


def tokens_in(environment: bytes) -> list[str]:
    """The tokens of a process's environment, as /proc shows it: its own, and those of the processes it descends from
    where an arbiter runs under an arbiter."""
    name = f"{MARKER_VARIABLE}=".encode()
    values = (text[len(name) :] for text in environment.split(b"\0") if text.startswith(name))
    return [marker.token for value in values for marker in parse_markers(value.decode(errors="replace"))]


def _parse(word: str) -> Marker | None:
    parts = word.split("/")
    if len(parts) != 4 or not parts[2].isascii() or not parts[2].isdigit() or not parts[3]:
        return None
    return Marker(unquote(parts[0]), unquote(parts[1]), int(parts[2]), parts[3])
