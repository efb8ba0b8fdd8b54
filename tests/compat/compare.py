"""What one reply has that the other has not: status, errno, keys, types, values and texts, each by its path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Values that differ from run to run: only their type counts.
_VOLATILE = {
    "time",
    "id",
    "tb",
    "cpu",
    "mem",
    "mem_info1",
    "mem_info2",
    "ctime",
    "age",
    "create_time",
    "started",
    "fd",
    "wid",
}
# The numbers of processes: how many there are counts.
_PIDS = {"pids", "pid", "process", "process_pid"}


@dataclass(frozen=True)
class Deviation:
    """`kind` is one of missing, type, value, length."""

    kind: str
    path: str
    theirs: Any
    ours: Any

    @property
    def key(self) -> str:
        return f"{self.kind} {self.path}"

    def __str__(self) -> str:
        return f"{self.key}: Circus has {_short(self.theirs)}, ours {_short(self.ours)}"


def deviations(theirs: Any, ours: Any, path: str = "") -> Iterator[Deviation]:
    """What is missing or other in ours. Keys that only ours has are no deviation."""
    if _kind(theirs) != _kind(ours):
        yield Deviation("type", path, theirs, ours)
    elif isinstance(theirs, dict):
        yield from _mappings(theirs, ours, path)
    elif isinstance(theirs, list):
        yield from _lists(theirs, ours, path)
    elif not _says_the_same(theirs, ours, path):
        yield Deviation("value", path, theirs, ours)


def _mappings(theirs: dict[str, Any], ours: dict[str, Any], path: str) -> Iterator[Deviation]:
    theirs, ours = _without_pids(theirs), _without_pids(ours)
    places = [sum(key.startswith("#") for key in each) for each in (theirs, ours)]
    if places[0] != places[1]:
        yield Deviation("length", path, *places)
        return
    for key, value in theirs.items():
        where = f"{path}.{key}" if path else key
        if key in ours:
            yield from deviations(value, ours[key], where)
        else:
            yield Deviation("missing", where, value, None)


def _without_pids(mapping: dict[str, Any]) -> dict[str, Any]:
    """Keys that are pids become places: the processes of both sides are compared slot by slot, else in their order."""
    pids = sorted((key for key in mapping if key.isdigit()), key=lambda pid: (_slot(mapping[pid]), int(pid)))
    return {**{key: each for key, each in mapping.items() if not key.isdigit()}} | {
        f"#{place}": mapping[pid] for place, pid in enumerate(pids)
    }


def _says_the_same(theirs: Any, ours: Any, path: str) -> bool:
    """A reason of ours may say more than Circus's, after it."""
    return theirs == ours or _is_volatile(path) or (path == "reason" and str(ours).startswith(str(theirs)))


def _by_name(values: list[Any]) -> list[Any]:
    """What has names is compared by name, whatever its place."""
    is_named = all(isinstance(each, dict) and "name" in each for each in values)
    return sorted(values, key=lambda each: str(each["name"])) if is_named else values


def _slot(info: Any) -> int:
    return int(info["wid"]) if isinstance(info, dict) and "wid" in info else 0


def _lists(theirs: list[Any], ours: list[Any], path: str) -> Iterator[Deviation]:
    if len(theirs) != len(ours):
        yield Deviation("length", path, theirs, ours)
        return
    for place, (their, our) in enumerate(zip(_by_name(theirs), _by_name(ours), strict=True)):
        yield from deviations(their, our, f"{path}.{place}")


def _is_volatile(path: str) -> bool:
    parts = [part for part in path.split(".") if not part.isdigit()]
    return bool(parts) and (parts[-1] in _VOLATILE or parts[-1] in _PIDS or parts[-1] in {"stopped", "kept"})


def _kind(value: Any) -> str:
    """JSON's type. A client in Python tells 1 from 1.0."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "float"
        case None:
            return "null"
        case _:
            return type(value).__name__


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 160 else f"{text[:157]}..."


def told(found: list[Deviation]) -> str:
    """A line each, for a failed test."""
    return "\n".join(str(each) for each in found)
