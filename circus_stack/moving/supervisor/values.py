"""supervisord's kinds of value: booleans, sizes, log files. Pure; a parser raises ValueError, nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from circus_stack.literals import parse_bool

_SIZE = re.compile(r"(-?\d+)\s*(kb|mb|gb)?", re.IGNORECASE)
_FACTOR = {"": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30}

NONE, AUTO, SYSLOG = "none", "auto", "syslog"


def parse_size(text: str) -> int:
    """`50MB` -> bytes."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("no size")
    return int(match[1]) * _FACTOR[(match[2] or "").lower()]


def parse_logfile(text: str) -> str:
    """`none`, `auto`, `syslog`, or the path with the user's directory in place of ~."""
    word = text.strip()
    if word.lower() in ("none", "off"):
        return NONE
    if word.lower() in (AUTO, SYSLOG):
        return word.lower()
    return str(Path(word).expanduser()) if word.startswith("~") else word


def parse_restart(text: str) -> str:
    """`true`, `false` or `unexpected`."""
    word = text.strip().lower()
    if word == "unexpected":
        return word
    return "true" if parse_bool(word) else "false"


def parse_exitcodes(text: str) -> tuple[int, ...]:
    """`0,2` -> (0, 2)."""
    return tuple(int(each) for each in text.split(",")) if text.strip() else ()
