"""What processes use, read out of the arbiter's `stats`: of ours, and of one of Circus's. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from circus_stack.plugins.options import parse_size


class Usage(Struct, frozen=True):
    """One process: `cpu` and `mem` in percent, `rss` in bytes."""

    pid: int
    cpu: float
    mem: float
    rss: int


def usages(stats: Mapping[str, Any]) -> list[Usage]:
    """The processes of a watcher: {pid: info}. One that is gone, or that hides its figures, is left out."""
    found = (usage_of(info) for info in stats.values())
    return [each for each in found if each is not None]


def usage_of(info: object) -> Usage | None:
    """The figures of one process; None where they cannot be read, since a guess would restart what is healthy."""
    if not isinstance(info, Mapping):
        return None
    try:
        size = info.get("rss")
        rss = parse_size(str(info["mem_info1"])) if size is None else int(size)
        return Usage(int(info["pid"]), float(info["cpu"]), float(info["mem"]), rss)
    except (KeyError, TypeError, ValueError):
        return None


def children_of(stats: Mapping[str, Any]) -> Iterator[tuple[int, Usage]]:
    """(parent's pid, child) of each child of a watcher's processes."""
    for info in stats.values():
        parent = usage_of(info)
        if parent is None:
            continue
        for child in info.get("children") or ():
            usage = usage_of(child)
            if usage is not None:
                yield parent.pid, usage
