"""In which order watchers start; they stop in the reverse. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from circus_stack.config.schema import WatcherConfig


def dependencies(watchers: Iterable[WatcherConfig]) -> dict[str, frozenset[str]]:
    """Each watcher's own `depends_on`, without names that nobody has."""
    watchers = tuple(watchers)
    names = {watcher.name for watcher in watchers}
    return {watcher.name: frozenset(watcher.depends_on) & names for watcher in watchers}


def predecessors(watchers: Iterable[WatcherConfig]) -> dict[str, frozenset[str]]:
    """Whom each watcher lets go first: what it depends on, and whoever has a higher priority.

    What a watcher depends on inherits its priority. So the two orders can't contradict each other, and there is no ring
    unless `depends_on` has one, which the validation refuses.
    """
    watchers = tuple(watchers)
    direct = dependencies(watchers)
    priority = {watcher.name: watcher.priority for watcher in watchers}
    for watcher in watchers:
        for name in _closure(watcher.name, direct):
            priority[name] = max(priority[name], watcher.priority)
    return {name: direct[name] | {other for other in direct if priority[other] > priority[name]} for name in direct}


def successors(before: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """The reverse of `predecessors`: who must be down before each watcher stops."""
    return {name: frozenset(other for other, first in before.items() if name in first) for name in before}


def _closure(name: str, direct: Mapping[str, frozenset[str]]) -> set[str]:
    found: set[str] = set()
    queue = list(direct[name])
    while queue:
        each = queue.pop()
        if each not in found:
            found.add(each)
            queue.extend(direct[each])
    return found
