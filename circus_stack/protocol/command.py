"""The declaration of a command, and how its properties are checked. Pure; no command is declared here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from circus_stack.errors import CommandError
from circus_stack.protocol.property import TEXT, Property
from circus_stack.protocol.roles import Role

# What an error repeats of a wrong value: enough to find it again.
_SHOWN = 60


class Command(Struct, frozen=True):
    """What a client may ask. `words` names the properties that a command line takes in order, without a flag.

    `help` is one sentence, `example` the words of a command line after the program's name. `is_slow`: the answer takes
    its time (files are read, modules imported, processes looked at) although nobody asked to wait. `role` is what a
    client's key must at least have.
    """

    name: str
    help: str
    example: str
    properties: tuple[Property, ...] = ()
    words: tuple[str, ...] = ()
    is_slow: bool = False
    # Who declares nothing gives nothing away.
    role: Role = Role.ADMIN

    def property(self, name: str) -> Property:
        """The declaration of one property; KeyError for a name that the command doesn't have."""
        for each in self.properties:
            if each.name == name:
                return each
        raise KeyError(name)


def check_properties(command: Command, given: Mapping[str, Any]) -> dict[str, Any]:
    """All properties of a command by name, defaults filled in. Raises CommandError (errno 3) for the first mistake.

    null stands for "not given"; names that the command doesn't know are ignored, as Circus does.
    """
    return {each.name: _value_of(each, given) for each in command.properties}


def _value_of(declared: Property, given: Mapping[str, Any]) -> Any:
    for name in (declared.name, *declared.aliases):
        value = given.get(name)
        if value is None or (value == "" and declared.type is TEXT and not declared.is_required):
            continue
        return parse_value(declared, value)
    if declared.is_required:
        raise CommandError(f"message invalid {declared.name!r} is missing")
    return declared.default


def parse_value(declared: Property, value: Any) -> Any:
    """One value in its type. Raises CommandError that says what would be right."""
    try:
        return declared.type.parse(value)
    except (ValueError, TypeError):
        found = repr(value)
        found = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}..."
        reason = f"message invalid: {declared.name!r} must be {declared.type.legal}, found {found}"
        raise CommandError(reason) from None


class UsageError(CommandError):
    """Words of a command line that fit no form of the command."""


def assign_words(command: Command, words: Sequence[str]) -> dict[str, Any]:
    """The words of a command line as properties: required ones first get theirs, optional ones what is left over,
    each in the order of `command.words`. Raises CommandError."""
    declared = [command.property(name) for name in command.words]
    spare = len(words) - sum(each.is_required for each in declared)
    if spare < 0:
        missing = [each.name.upper() for each in declared if each.is_required]
        raise UsageError(f"Invalid number of arguments: {command.name} needs {' '.join(missing)}")
    rest = list(words)
    values: dict[str, Any] = {}
    for each in declared:
        if each.type.takes_rest:
            values[each.name], rest = tuple(rest), []
        elif each.is_required:
            values[each.name] = rest.pop(0)
        elif spare > 0:
            values[each.name] = rest.pop(0)
            spare -= 1
    if rest:
        raise UsageError(f"Invalid number of arguments: {command.name} does not know what to do with {rest[0]!r}")
    return {name: parse_value(command.property(name), value) for name, value in values.items() if value != ()}
