"""The order of start and stop, on configurations alone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circus_stack.arbiter.order import predecessors, successors
from circus_stack.config.schema import WatcherConfig


def watcher(name: str, *needs: str, priority: int = 0) -> WatcherConfig:
    return WatcherConfig(name=name, depends_on=needs, priority=priority)


def test_a_dependency_goes_first() -> None:
    assert predecessors([watcher("web", "redis"), watcher("redis")]) == {"web": {"redis"}, "redis": frozenset()}


def test_a_higher_priority_goes_first() -> None:
    assert predecessors([watcher("a", priority=1), watcher("b", priority=5)])["a"] == {"b"}


def test_a_dependency_inherits_the_priority_of_whom_it_serves() -> None:
    before = predecessors([watcher("a", "c", priority=10), watcher("b", priority=5), watcher("c")])
    assert before == {"a": {"c"}, "c": frozenset(), "b": {"a", "c"}}


def test_the_stop_is_the_reverse() -> None:
    before = predecessors([watcher("web", "redis"), watcher("redis")])
    assert successors(before) == {"redis": {"web"}, "web": frozenset()}


@given(st.lists(st.tuples(st.integers(-3, 3), st.sets(st.integers(0, 7))), min_size=1, max_size=8))
def test_there_is_never_a_ring(rows: list[tuple[int, set[int]]]) -> None:
    # A watcher depends on earlier ones only, so that depends_on itself has no ring.
    watchers = [
        watcher(f"w{i}", *(f"w{each}" for each in needs if each < i), priority=priority)
        for i, (priority, needs) in enumerate(rows)
    ]
    before = dict(predecessors(watchers))
    while before:
        free = {name for name, first in before.items() if not first & before.keys()}
        assert free, before
        before = {name: first for name, first in before.items() if name not in free}
