"""How an option is declared: once, on the field of the record that holds its value.

The readers, the validator, `set`, `options`, the command lines and the reference page all read the declaration; none of
them knows an option by name. No option is declared here: they stand in `schema` and the other modules `*_schema`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

from msgspec import Struct, structs

T = TypeVar("T")

_KEY = "option"
_COMPOSITE = "composite"


class Change(StrEnum):
    """What a change of an option's value at run time does, from the mildest to the strongest."""

    APPLY = "takes effect at once, no process is touched"
    SCALE = "processes are added or taken away"
    ROLL = "processes are replaced, new before old"
    REBIND = "the socket is bound anew, its watchers are replaced"
    RESTART = "takes effect at the next start of the arbiter"

    @property
    def strength(self) -> int:
        """Grows with what the change does to the stack."""
        return list(Change).index(self)


class Kind(Struct, frozen=True):
    """How the text of a value is read. `parse` raises ValueError; `legal` says what would have been right.

    `words` lists the legal values where they are few, so that a misspelt one can be answered with its neighbour.
    """

    name: str
    parse: Callable[[str], Any]
    legal: str
    words: tuple[str, ...] = ()


class Option(Struct, frozen=True):
    """The declaration of one option; `name` is the field's, `aliases` are other spellings that files use."""

    kind: Kind
    help: str
    change: Change
    aliases: tuple[str, ...] = ()
    name: str = ""
    default: Any = None


class Composite(Struct, frozen=True):
    """The declaration of a field that several keys fill, `stdout_stream.*`; `spelling` is how files write it."""

    spelling: str
    help: str
    change: Change
    name: str = ""


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


def composite(factory: Callable[[], T], spelling: str, help: str, *, change: Change = Change.ROLL) -> T:
    """Declare a field that several keys fill; `factory` makes its default."""
    declared = Composite(spelling=spelling, help=help, change=change)
    return dataclasses.field(default_factory=factory, metadata={_COMPOSITE: declared})


def options_of(record: type) -> Iterator[Option]:
    """The declarations of a record's options, in the order of its fields."""
    return iter(_options_of(record))


@cache
def _options_of(record: type) -> tuple[Option, ...]:
    return tuple(
        structs.replace(field.metadata[_KEY], name=field.name, default=field.default)
        for field in dataclasses.fields(record)
        if _KEY in field.metadata
    )


def composites_of(record: type) -> Iterator[Composite]:
    """The declarations of a record's composite fields, in the order of its fields."""
    for field in dataclasses.fields(record):
        declared = field.metadata.get(_COMPOSITE)
        if declared is not None:
            yield structs.replace(declared, name=field.name)


def changes_of(record: type) -> dict[str, Change]:
    """Field name -> what a change of it does, of every declared field of a record."""
    found = {each.name: each.change for each in options_of(record)}
    found.update((each.name, each.change) for each in composites_of(record))
    return found


@cache
def spellings(record: type) -> Mapping[str, Option]:
    """Every spelling of a record's options, aliases too -> its declaration."""
    return {name: each for each in options_of(record) for name in (each.name, *each.aliases)}
