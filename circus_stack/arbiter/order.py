"""In which order watchers start; they stop in the reverse. Pure; the rule itself is `config.precedence`'s."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from circus_stack.config import precedence
from circus_stack.config.schema import WatcherConfig


def dependencies(watchers: Iterable[WatcherConfig]) -> dict[str, frozenset[str]]:
    """Each watcher's own `depends_on` by the names' own spelling, without names that nobody has."""
    watchers = tuple(watchers)
    names = {watcher.name.lower(): watcher.name for watcher in watchers}
    return {
        watcher.name: frozenset(names[each.lower()] for each in watcher.depends_on if each.lower() in names)
        for watcher in watchers
    }


def predecessors(watchers: Iterable[WatcherConfig]) -> dict[str, frozenset[str]]:
    """Whom each watcher lets go first: what it depends on, and whoever has a higher priority."""
    watchers = tuple(watchers)
    return precedence.predecessors(dependencies(watchers), {watcher.name: watcher.priority for watcher in watchers})


def successors(before: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """The reverse of `predecessors`: who must be down before each watcher stops."""
    return {name: frozenset(other for other, first in before.items() if name in first) for name in before}
