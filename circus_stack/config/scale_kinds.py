"""The kinds of value of the options of autoscaling, and `numprocesses = 2..16`, which stands for two of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from circus_stack.config.document import Entry
from circus_stack.config.option import Kind
from circus_stack.config.problems import Problems
from circus_stack.literals import MAX_PROCESSES
from circus_stack.scaling import UNITS, is_range, parse_condition, parse_range

COUNT, RANGE = "numprocesses", "scale_range"
CONDITIONS = ("scale_up_when", "scale_down_when")
"""The options whose values may have a percent sign."""

SCALE_RANGE = Kind(
    "range of processes", parse_range, f"LEAST..MOST as in 2..16: whole numbers, 1 to {MAX_PROCESSES}, the lower first"
)
CONDITION = Kind(
    "condition",
    parse_condition,
    f"comparisons as in 'busy > 80%', joined by and, or; of {', '.join(UNITS)}",
)


def with_range_apart(entries: Iterable[Entry], section: str, problems: Problems, key: str = COUNT) -> tuple[Entry, ...]:
    """The entries with `key = 2..16` as two: the lower number under `key`, and the range. One that is no range stays
    as it is, for the reader to refuse; one beside a `scale_range` of the same section is a mistake."""
    given = tuple(entries)
    explicit = next((each for each in given if each.key == RANGE), None)
    found: list[Entry] = []
    for entry in given:
        if entry.key != key or not is_range(entry.value):
            found.append(entry)
        elif explicit is not None:
            problems.add(
                f"stands beside {key} = {entry.value.strip()}, which is a range as well",
                explicit.where,
                section=section,
                option=RANGE,
                found=explicit.value,
                legal=f"one of the two, or a number to start with as {key}",
            )
        else:
            found += _apart(entry)
    return tuple(found)


def _apart(entry: Entry) -> tuple[Entry, ...]:
    try:
        least = parse_range(entry.value).least
    except ValueError:
        return (entry,)
    return structs.replace(entry, value=str(least)), structs.replace(entry, key=RANGE)
