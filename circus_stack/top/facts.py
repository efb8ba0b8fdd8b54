"""What of a line has no column: parts of memory, files, context switches, I/O, its control group, requests. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from circus_stack.client.stats.records import Figures
from circus_stack.top import words

_GAP = "  "


def facts_of(figures: Figures) -> list[str]:
    """Each as `name value`; what nobody knows is left out."""
    return [f"{name} {text}" for name, text in _texts(figures) if text]


def _texts(figures: Figures) -> Iterator[tuple[str, str]]:
    # First what changes: a small pane has room for the first of them.
    yield "in flight", words.count(figures.in_flight)
    yield "busy", words.count(figures.busy)
    yield "p50", words.latency(figures.p50)
    yield "p95", words.latency(figures.p95)
    yield "pss", words.size(figures.pss)
    yield "uss", words.size(figures.uss)
    yield "shared", words.size(figures.shared)
    yield "vms", words.size(figures.vms)
    yield "threads", words.count(figures.threads)
    yield "files", words.count(figures.files)
    yield "waits", _many(figures.voluntary_switches)
    yield "preempted", _many(figures.involuntary_switches)
    yield "read", words.size(figures.read_bytes)
    yield "written", words.size(figures.written_bytes)
    limit = words.size(figures.group_memory_limit)
    yield "group", words.size(figures.group_memory) + (f" of {limit}" if limit else "")
    yield "throttled", words.age(figures.group_throttled or None)


def _many(value: int | None) -> str:
    """A count that only grows: `12`, `9999`, `12.4k`."""
    return words.count(value) if value is None or value < 10_000 else words.rate(value)


def wrapped(facts: Sequence[str], width: int) -> list[str]:
    """As many in a line as fit."""
    lines: list[str] = []
    for fact in facts:
        if lines and len(lines[-1]) + len(_GAP) + len(fact) <= width:
            lines[-1] += _GAP + fact
        else:
            lines.append(fact)
    return lines
