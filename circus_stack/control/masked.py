"""Answers without secrets: for clients whose key may see what runs, and not what it knows. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from typing import Any

from circus_stack.config.masking import MASK, is_secret_name, mask_command, mask_words

# It holds anything, so that all of its values are hidden.
_ENVIRONMENT = "env"

Fields = Mapping[str, Any]


def masked(answer: Fields | Awaitable[Fields]) -> Fields | Awaitable[Fields]:
    """The same answer, now or later, with its secrets hidden."""
    return mask_fields(answer) if isinstance(answer, Mapping) else _later(answer)


async def _later(answer: Awaitable[Fields]) -> Fields:
    return mask_fields(await answer)


def mask_fields(fields: Fields) -> dict[str, Any]:
    """What is named like a secret, each value of an environment, passwords in URLs, and what flags and variables of
    command lines are given."""
    return {key: _mask(key, value) for key, value in fields.items()}


def _mask(key: str, value: Any) -> Any:
    if key == _ENVIRONMENT and isinstance(value, Mapping):
        return dict.fromkeys(value, MASK)
    match value:
        case str() if value and is_secret_name(key):
            return MASK
        case str():
            return mask_command(value)
        case Mapping():
            return {str(name): _mask(str(name), each) for name, each in value.items()}
        case list() | tuple() if value and all(isinstance(each, str) for each in value):
            return [_mask(key, each) for each in value] if is_secret_name(key) else mask_words(value)
        case list() | tuple():
            return [_mask(key, each) for each in value]
        case _:
            return value
