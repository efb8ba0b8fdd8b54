"""JSON text <-> plain values: the only place that turns one into the other. Knows no message by name."""

from __future__ import annotations

from typing import Any

import msgspec

# What one frame may hold, in bytes: a request that needs more is a mistake or an attack. From design.md.
MAX_MESSAGE = 1024 * 1024

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def encode(value: object) -> bytes:
    """A plain value (dict, list, str, number, bool, None) as UTF-8 JSON.

    Text that is not Unicode (a process's name may hold any byte) is sent with U+FFFD in its place; NaN and the
    infinities become null, since JSON has no word for them.
    """
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_printable(value))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_printable(key): _printable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_printable(each) for each in value]
    return value


def decode(data: bytes) -> Any:
    """UTF-8 JSON as a plain value. Raises ValueError, and nothing else, whatever the bytes are."""
    try:
        return _decoder.decode(data)
    except RecursionError:
        raise ValueError("nested too deep") from None
