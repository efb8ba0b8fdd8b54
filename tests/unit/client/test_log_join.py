"""A snapshot of log lines and what follows it: no hole, no double, and a word where lines were lost."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from circus_stack.client.loglines import LogJoin


def line(seq: int, watcher: str = "web", pid: int = 7) -> dict[str, Any]:
    return {
        "seq": seq,
        "watcher": watcher,
        "wid": 1,
        "pid": pid,
        "stream": "stdout",
        "time": 1.0,
        "data": f"line {seq}",
    }


def batch(*seqs: int, previous: int | None = None, watcher: str = "web", pid: int = 7) -> dict[str, Any]:
    lines = [[seq, f"line {seq}"] for seq in seqs]
    return {
        "watcher": watcher,
        "wid": 1,
        "pid": pid,
        "stream": "stdout",
        "time": 1.0,
        "previous": previous,
        "lines": lines,
    }


def test_lines_of_the_snapshot_do_not_come_again() -> None:
    join = LogJoin()

    assert [record.seq for record in join.snapshot([line(1), line(2)])] == [1, 2]
    assert [record.seq for record in join.follow(batch(1, 2, 3))] == [3]
    assert join.follow(batch(2, 3)) == []
    assert [record.text for record in join.follow(batch(4, previous=3))] == ["line 4"]


def test_without_a_snapshot_everything_is_new() -> None:
    join = LogJoin()

    assert join.snapshot([]) == []
    assert [record.seq for record in join.follow(batch(0, 1))] == [0, 1]


def test_lines_of_another_stream_are_left_out() -> None:
    assert LogJoin(stream="stderr").follow(batch(0)) == []
    assert [record.seq for record in LogJoin(stream="stdout").follow(batch(0))] == [0]


def test_lines_that_were_lost_are_told_once() -> None:
    join = LogJoin()
    join.snapshot([line(1)])

    assert [record.is_after_gap for record in join.follow(batch(2, 3, previous=1))] == [False, False]
    assert [record.is_after_gap for record in join.follow(batch(9, 10, previous=8))] == [True, False]
    assert [record.is_after_gap for record in join.follow(batch(11, previous=10))] == [False]


def test_what_other_processes_wrote_meanwhile_is_no_loss() -> None:
    join = LogJoin()
    join.snapshot([line(1, pid=7), line(5, pid=8)])

    assert [record.is_after_gap for record in join.follow(batch(6, previous=1, pid=7))] == [False]
    assert [record.is_after_gap for record in join.follow(batch(7, previous=5, pid=8))] == [False]


def test_only_the_watcher_and_the_process_that_were_asked_for() -> None:
    join = LogJoin("WEB", 7)
    join.snapshot([])

    assert join.follow(batch(1, watcher="web.eu")) == []
    assert join.follow(batch(2, pid=8)) == []
    assert [record.seq for record in join.follow(batch(3))] == [3]


@given(st.lists(st.integers(1, 3), min_size=1, max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_each_line_comes_exactly_once_wherever_the_snapshot_falls(sizes: list[int], joined: int, taken: int) -> None:
    """Batches are published from `joined` on, the snapshot is taken later: after `taken` more of them."""
    batches, seq = [], 0
    for size in sizes:
        batches.append(list(range(seq, seq + size)))
        seq += size
    joined = min(joined, len(batches))
    taken = min(joined + taken, len(batches))
    join = LogJoin()

    seen = [record.seq for record in join.snapshot([line(each) for one in batches[:taken] for each in one])]
    for position in range(joined, len(batches)):
        previous = batches[position - 1][-1] if position > joined else None
        records = join.follow(batch(*batches[position], previous=previous))
        assert not any(record.is_after_gap for record in records)
        seen += [record.seq for record in records]

    assert seen == list(range(seq))


def test_who_wanted_no_line_that_is_kept_misses_none() -> None:
    join = LogJoin()
    join.snapshot([])

    assert [record.is_after_gap for record in join.follow(batch(9, previous=8))] == [False]
    assert [record.is_after_gap for record in join.follow(batch(20, previous=15))] == [True]
