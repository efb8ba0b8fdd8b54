"""Amounts of memory, as service options have them. Pure."""

from __future__ import annotations

import re

from circus_stack.config.option import Kind

_UNITS = {"": 1, "b": 1, "k": 1024, "kb": 1024, "m": 1024**2, "mb": 1024**2, "g": 1024**3, "gb": 1024**3}
_AMOUNT = re.compile(r"(\d+)\s*([kmg]?b?)", re.IGNORECASE)


def parse_memory(text: str) -> int:
    """`512m`, `64MB`, `2g`, `1048576` -> bytes; raises ValueError. Units are powers of 1024."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        raise ValueError("not an amount of memory")
    return int(match[1]) * _UNITS[match[2].lower()]


MEMORY = Kind("amount of memory", parse_memory, "a number of bytes, or one with k, m or g: 512m")
