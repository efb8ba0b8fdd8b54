"""How an option is declared: once, on the field of the record that holds its value.

The readers, the validator, `set`, `options`, the command lines and the reference page all read the declaration; none of
them knows an option by name. No option is declared here: they stand in `schema`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")

_KEY = "option"


class Change(StrEnum):
    """What a change of an option's value at run time does."""

    APPLY = "takes effect at once, no process is touched"
    SCALE = "processes are added or taken away"
    ROLL = "processes are replaced, new before old"
    REBIND = "the socket is bound anew, its watchers are replaced"
    RESTART = "takes effect at the next start of the arbiter"


@dataclass(frozen=True, slots=True)
class Kind:
    """How the text of a value is read. `parse` raises ValueError; `legal` says what would have been right."""

    name: str
    parse: Callable[[str], Any]
    legal: str


@dataclass(frozen=True, slots=True)
class Option:
    """The declaration of one option; `name` is the field's, `aliases` are other spellings that files use."""

    kind: Kind
    help: str
    change: Change
    aliases: tuple[str, ...] = ()
    name: str = ""
    default: Any = None


def option(
    default: T,
    kind: Kind,
    help: str,
    *,
    change: Change = Change.ROLL,
    aliases: tuple[str, ...] = (),
) -> T:
    """Declare an option on a dataclass field with that default; mutable defaults are not for frozen records."""
    declared = Option(kind=kind, help=help, change=change, aliases=aliases)
    return dataclasses.field(default=default, metadata={_KEY: declared})


def options_of(record: type) -> Iterator[Option]:
    """The declarations of a record's options, in the order of its fields."""
    for field in dataclasses.fields(record):
        declared = field.metadata.get(_KEY)
        if declared is not None:
            yield dataclasses.replace(declared, name=field.name, default=field.default)
