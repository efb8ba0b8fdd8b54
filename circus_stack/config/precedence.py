"""Who goes before whom: one rule for the arbiter that starts and for the page that shows the order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet


def predecessors(depends_on: Mapping[str, AbstractSet[str]], priority: Mapping[str, int]) -> dict[str, frozenset[str]]:
    """Whom each name lets go first: what it depends on, and whoever has a higher priority.

    What something depends on inherits its priority. So the two orders can't contradict each other, and there is no ring
    unless `depends_on` has one, which the validation refuses.
    """
    ranks = dict(priority)
    for name in depends_on:
        for other in closure(name, depends_on):
            ranks[other] = max(ranks[other], priority[name])
    return {
        name: frozenset(others) | {other for other in ranks if ranks[other] > ranks[name]}
        for name, others in depends_on.items()
    }


def closure(name: str, direct: Mapping[str, AbstractSet[str]]) -> frozenset[str]:
    """All that `name` leads to over one step or more; itself only in a ring."""
    found: set[str] = set()
    queue = list(direct[name])
    while queue:
        each = queue.pop()
        if each not in found:
            found.add(each)
            queue.extend(direct[each])
    return frozenset(found)
