"""What starts when, for a person to read: waves of names. Pure; the arbiter follows the same rule."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping

from circus_stack.config.precedence import predecessors
from circus_stack.config.schema import StackConfig


def start_waves(stack: StackConfig) -> tuple[tuple[str, ...], ...]:
    """What starts side by side: each after what it depends on and after whatever has a higher priority.

    What a watcher depends on inherits its priority. Services count, whether they are watchers already or not. Raises
    graphlib.CycleError for a ring, which the validation refuses.
    """
    depends_on, priority = _declared(stack)
    return _layers(predecessors(depends_on, priority))


def _declared(stack: StackConfig) -> tuple[dict[str, set[str]], dict[str, int]]:
    written: dict[str, tuple[str, ...]] = {}
    priority: dict[str, int] = {}
    started = {watcher.name for watcher in stack.watchers}
    is_composed = any(service.name in started for service in stack.services)
    for service in stack.services:
        if is_composed and service.name not in started:
            # Optional, and not to be had on this machine.
            continue
        value, rank = service.watcher.get("depends_on", ()), service.watcher.get("priority", 0)
        written[service.name] = value if isinstance(value, tuple) else ()
        priority[service.name] = rank if isinstance(rank, int) else 0
    for watcher in stack.watchers:
        written[watcher.name], priority[watcher.name] = watcher.depends_on, watcher.priority
    names = {name.lower(): name for name in written}
    known = {
        name: {names[each.lower()] for each in others if each.lower() in names} for name, others in written.items()
    }
    return known, priority


def _layers(before: Mapping[str, frozenset[str]]) -> tuple[tuple[str, ...], ...]:
    sorter = graphlib.TopologicalSorter(before)
    sorter.prepare()
    waves = []
    while sorter.is_active():
        ready = sorter.get_ready()
        waves.append(tuple(name for name in before if name in ready))
        sorter.done(*ready)
    return tuple(waves)
