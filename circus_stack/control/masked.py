"""Answers without secrets: for clients whose key may see what runs, and not what it knows. Pure."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Mapping
from typing import Any

from circus_stack.config.masking import mask_urls

MASK = "***"
# Names of options and of command line flags whose value is a secret; `env` holds anything, so all of it is.
_SECRET = re.compile(r"passw|secret|token|credential|api_?key|private_?key|auth", re.IGNORECASE)
_FLAG = re.compile(
    r"(?P<flag>--?[\w-]*(?:passw|pass|secret|token|auth|key)[\w-]*)(?P<between>[= ]+)(?P<value>\S+)", re.I
)
_ENVIRONMENT = "env"

Fields = Mapping[str, Any]


def masked(answer: Fields | Awaitable[Fields]) -> Fields | Awaitable[Fields]:
    """The same answer, now or later, with its secrets hidden."""
    return mask_fields(answer) if isinstance(answer, Mapping) else _later(answer)


async def _later(answer: Awaitable[Fields]) -> Fields:
    return mask_fields(await answer)


def mask_fields(fields: Fields) -> dict[str, Any]:
    """What is named like a secret, each value of an environment, and passwords in URLs and behind flags."""
    return {key: _mask(key, value) for key, value in fields.items()}


def _mask(key: str, value: Any) -> Any:
    if key == _ENVIRONMENT and isinstance(value, Mapping):
        return dict.fromkeys(value, MASK)
    match value:
        case str() if value and _SECRET.search(key):
            return MASK
        case str():
            return _FLAG.sub(rf"\g<flag>\g<between>{MASK}", mask_urls(value))
        case Mapping():
            return {str(name): _mask(str(name), each) for name, each in value.items()}
        case list() | tuple():
            return [_mask(key, each) for each in value]
        case _:
            return value
