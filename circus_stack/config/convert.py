"""Turns the entries of a section into the values of a record, by the record's declarations. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from circus_stack.config.document import Entry
from circus_stack.config.option import Option, spellings
from circus_stack.config.problems import Problems, nearest
from circus_stack.config.values import Location
from circus_stack.scaling import ConditionError


class Converted(Struct):
    """Field name -> value, and where each was written; `refused` are the fields whose values were mistakes."""

    values: dict[str, Any] = field(default_factory=dict)
    where: dict[str, Location] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)

    def put(self, name: str, value: Any, where: Location) -> None:
        """Set a value and its place, over an earlier one."""
        self.values[name] = value
        self.where[name] = where


def convert(
    record: type,
    entries: Iterable[Entry],
    section: str,
    problems: Problems,
    unknown: Callable[[Entry], None],
) -> Converted:
    """Convert what the record declares and hand every other entry to `unknown`; a bad value is a mistake."""
    declared = spellings(record)
    result = Converted()
    for entry in entries:
        option = declared.get(entry.key)
        if option is None:
            unknown(entry)
        elif option.name in result.values:
            problems.warn(
                f"says the same as {_spelling(option, entry)}, which stands at line {result.where[option.name].line} "
                "and wins",
                entry.where,
                section=section,
                option=entry.key,
            )
        else:
            _convert_one(option, entry, section, problems, result)
    return result


def _spelling(option: Option, entry: Entry) -> str:
    others = [name for name in (option.name, *option.aliases) if name != entry.key]
    return " or ".join(others)


def _convert_one(option: Option, entry: Entry, section: str, problems: Problems, result: Converted) -> None:
    value, ok = parse_value(option, entry, section, problems)
    if ok:
        result.put(option.name, value, entry.where)
    else:
        result.refused.add(option.name)


def parse_value(option: Option, entry: Entry, section: str, problems: Problems) -> tuple[Any, bool]:
    """The value and True, or None and False after the mistake was added. An empty text unsets what may be unset."""
    if not entry.value.strip() and option.default is None:
        return None, True
    try:
        return option.kind.parse(entry.value), True
    except ConditionError as error:
        problems.add(
            f"is not a valid {option.kind.name}: {error.message}",
            entry.where,
            section=section,
            option=entry.key,
            found=entry.value,
            legal=error.legal,
        )
        return None, False
    except ValueError:
        problems.add(
            f"is not a valid {option.kind.name}",
            entry.where,
            section=section,
            option=entry.key,
            found=entry.value,
            legal=option.kind.legal,
            nearest=nearest(entry.value, option.kind.words),
        )
        return None, False


def refuse_unknown(
    entry: Entry, section: str, legal: Iterable[str], problems: Problems, *, hints: Mapping[str, str] | None = None
) -> None:
    """The mistake of a key that nobody knows, with the nearest that is known."""
    problems.add(
        (hints or {}).get(entry.key, "is not an option of this section"),
        entry.where,
        section=section,
        option=entry.key,
        nearest=nearest(entry.key, legal),
    )
