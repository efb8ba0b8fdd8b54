"""Who runs, by a snapshot and the events that follow it."""

import pytest

from circus_stack.stats.census import Census


def snapshot(**pids: list[int]) -> dict[str, object]:
    return {name: {"processes": [{"pid": pid} for pid in found]} for name, found in pids.items()}


@pytest.fixture
def census() -> Census:
    census = Census(1.0)
    census.replace({**snapshot(web=[1, 2], job=[3]), **snapshot(**{"circusd-stats": [9]})}, 10, {8: "circusd"})
    return census


def pids(census: Census) -> dict[str, list[int]]:
    return {name: list(row.pids) for name, row in census.rows.items()}


def test_the_stacks_own_programs_are_no_watchers(census: Census) -> None:
    assert pids(census) == {"web": [1, 2], "job": [3]}
    assert set(census.all_pids()) == {1, 2, 3, 8}


def test_events_after_the_snapshot_are_taken_in(census: Census) -> None:
    census.apply("spawn", {"watcher": "web", "process_pid": 4, "seq": 11})
    census.apply("reap", {"watcher": "web", "process_pid": 1, "seq": 12})
    census.apply("add", {"watcher": "new", "seq": 13})
    census.apply("remove", {"watcher": "job", "seq": 14})
    assert pids(census) == {"web": [2, 4], "new": []}


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ("reap", {"watcher": "web", "process_pid": 1, "seq": 10}),
        ("spawn", {"watcher": "circusd-stats", "process_pid": 9, "seq": 11}),
        ("spawn", {"process_pid": 9, "seq": 11}),
        ("spawn", {"watcher": "web", "seq": 11}),
        ("hook_failure", {"watcher": "other", "seq": 11}),
    ],
)
def test_what_is_in_the_snapshot_or_means_nothing_is_passed_over(
    census: Census, event: str, fields: dict[str, object]
) -> None:
    census.apply(event, fields)
    assert pids(census) == {"web": [1, 2], "job": [3]}


def test_watchers_are_grouped_by_their_intervals_which_a_new_snapshot_keeps(census: Census) -> None:
    census.set_interval("job", 5.0)
    census.replace(snapshot(web=[1], job=[3]), 20, {})
    assert {every: [row.name for row in rows] for every, rows in census.intervals().items()} == {
        1.0: ["web"],
        5.0: ["job"],
    }
    census.set_interval("job", None)
    assert set(census.intervals()) == {1.0}
