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


def seated(**seats: tuple[int, int]) -> dict[str, object]:
    """A snapshot of one watcher: the slot and the generation of each pid."""
    processes = [{"pid": int(pid[1:]), "wid": wid, "generation": number} for pid, (wid, number) in seats.items()]
    return {"web": {"processes": processes}}


def test_ends_that_nobody_told_of_are_found_where_another_took_over() -> None:
    census = Census(1.0)
    assert census.replace(seated(p1=(1, 1), p2=(2, 1), p3=(3, 1)), 50, {}) == {}
    census.apply("spawn", {"watcher": "web", "process_pid": 4, "wid": 4, "seq": 51})
    # Another arbiter, which counts from the beginning: the end of the second one was told.
    census.apply("reap", {"watcher": "web", "process_pid": 2, "seq": 3})
    now = seated(p1=(1, 1), p12=(2, 1), p14=(4, 1))
    # The third one has no successor, as after a decr.
    assert census.replace(now, 5, {}) == {"web": [4]}


def test_the_next_generation_was_asked_for() -> None:
    census = Census(1.0)
    census.replace(seated(p1=(1, 1)), 5, {})
    assert census.replace(seated(p11=(1, 2)), 9, {}) == {}


def test_an_end_that_is_told_before_the_snapshot_came_is_heard() -> None:
    census = Census(1.0)
    census.replace(seated(p1=(1, 1)), 5, {})
    census.hear("reap", {"process_pid": 1})
    assert census.replace(seated(p11=(1, 1)), 9, {}) == {}
    # That number may come again.
    census.replace(seated(p1=(1, 1)), 11, {})
    assert census.replace(seated(p12=(1, 1)), 12, {}) == {"web": [1]}
