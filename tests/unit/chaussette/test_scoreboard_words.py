"""The scoreboard's file: slots assigned, written, read, taken back; and the figures that two looks give."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaussette.errors import UsageError
from chaussette.scoreboard import Board, Reader, Slot, State, layout
from chaussette.scoreboard.counting import noting, scored
from chaussette.scoreboard.histogram import LAST, UNIT_S, bucket_of, lower_edge_s, percentile
from chaussette.scoreboard.rates import between, total
from chaussette.scoreboard.slot import from_environ


@pytest.fixture
def board() -> Iterator[Board]:
    made = Board.create("test")
    yield made
    made.close()


@pytest.fixture
def reader(board: Board) -> Iterator[Reader]:
    made = Reader(board.fd)
    yield made
    made.close()


def attach(board: Board, *, timeout_s: float = 0.0, beat_s: float = 5.0) -> tuple[Slot, tuple[int, int]]:
    place = board.assign(timeout_s=timeout_s, beat_s=beat_s)
    assert place is not None
    return Slot(board.fd, *place), place


def test_a_worker_is_read_once_it_has_attached(board: Board, reader: Reader) -> None:
    place = board.assign(timeout_s=2.5, beat_s=0.5)
    assert place == (0, 3)
    assert reader.snapshot().slots == ()
    slot = Slot(board.fd, *place)
    slot.say(State.SERVING)
    slot.beat()
    [found] = reader.snapshot().slots
    assert (found.pid, found.state, found.timeout_ms, slot.beat_interval_s) == (os.getpid(), State.SERVING, 2500, 0.5)
    assert board.heartbeat_at(0) == found.heartbeat_ns / 1e9 >= found.started_ns / 1e9
    assert board.timeout_s(0) == 2.5


def test_a_slot_is_used_again_and_its_figures_begin_anew(board: Board, reader: Reader) -> None:
    slot, (number, generation) = attach(board)
    slot.accepted()
    board.release(number, generation)
    assert reader.snapshot().slots == ()
    again, (same, later) = attach(board)
    assert (same, later > generation) == (number, True)
    assert again.words[layout.ACCEPTED] == 0
    assert board.heartbeat_at(same) is None
    with pytest.raises(ValueError, match="no longer ours"):
        Slot(board.fd, number, generation)


def test_releasing_twice_frees_nobody_elses_slot(board: Board) -> None:
    _, (number, generation) = attach(board)
    board.release(number, generation)
    _, (same, later) = attach(board)
    board.release(number, generation)
    assert board.assign(timeout_s=0, beat_s=1) != (same, later + 2)


def test_another_owner_keeps_what_lives(board: Board) -> None:
    slots = [attach(board)[1] for _ in range(3)]
    other = Board(os.dup(board.fd))
    try:
        assert other.keep(*slots[1])
        assert not other.keep(slots[1][0], slots[1][1] + 2)
        assert not other.keep(10**9, 1)
        taken = [other.assign(timeout_s=0, beat_s=1) for _ in range(2)]
        assert [each[0] for each in taken if each] == [0, 2]
    finally:
        other.close()


def test_its_size_is_nobodys_to_change(board: Board) -> None:
    with pytest.raises(PermissionError):
        os.ftruncate(board.fd, 0)


def test_what_is_no_scoreboard_is_refused(tmp_path: object) -> None:
    fd = os.memfd_create("other")
    try:
        for make in (Reader, Board):
            with pytest.raises(ValueError, match="no scoreboard"):
                make(fd)
        os.ftruncate(fd, layout.FILE_BYTES)
        for make in (Reader, Board, lambda each: Slot(each, 0, 1)):
            with pytest.raises(ValueError, match="no scoreboard"):
                make(fd)
    finally:
        os.close(fd)


def test_the_environment_says_where_and_forgets_it(board: Board) -> None:
    place = board.assign(timeout_s=0, beat_s=1)
    assert place is not None
    environ = {layout.VARIABLE: f"{board.fd}:{place[0]}:{place[1]}", "OTHER": "x"}
    slot = from_environ(environ)
    assert slot is not None
    assert environ == {"OTHER": "x"}
    assert not os.get_inheritable(board.fd)
    assert from_environ({}) is None


@pytest.mark.parametrize("text", ["x", "1:2", "1:2:-3", "99999:0:1", "0:0:1"])
def test_a_wrong_place_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(UsageError, match=f"{layout.VARIABLE}.*{text}"):
        from_environ({layout.VARIABLE: text})


def test_a_worker_that_writes_nonsense_is_read_all_the_same(board: Board, reader: Reader) -> None:
    slot, _ = attach(board)
    slot.words[layout.STATE] = 99
    slot.words[layout.STATUSES] = -5
    [found] = reader.snapshot().slots
    assert (found.state, found.requests, found.in_flight) == (State.NONE, -5, 5)


def test_threads_lose_no_count(board: Board) -> None:
    slot, _ = attach(board)
    interval = sys.getswitchinterval()

    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"abc"]

    served = scored(app, slot.words)

    def count() -> None:
        for _ in range(4000):
            served({"REQUEST_METHOD": "GET"}, lambda *_given: print)

    threads = [threading.Thread(target=count) for _ in range(4)]
    sys.setswitchinterval(1e-6)
    try:
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(interval)
    words = slot.words
    assert (words[layout.BEGUN], words[layout.SENT]) == (16000, 48000)
    assert words[layout.STATUSES + 2] == sum(words[layout.BUCKETS :].tolist()) == 16000


def test_two_looks_give_rates(board: Board, reader: Reader) -> None:
    slot, (number, generation) = attach(board)
    before = reader.snapshot()
    note = noting(slot.words)
    for status in ("200 OK", "200 OK", "404 Not Found", "500 Oh"):
        note(0, status, 10)
    after = reader.snapshot()
    found = between(before, after)[os.getpid()]
    assert (found.requests, found.statuses, found.sent) == (4, (0, 0, 2, 0, 1, 1), 40)
    assert found.rps == 4 / found.seconds
    assert total([found, found]).requests == 8  # type: ignore[union-attr]
    assert total([]) is None
    board.release(number, generation)
    attach(board)
    # Another worker's figures in the same slot are no continuation.
    assert between(after, reader.snapshot())[os.getpid()].requests == 0


@given(st.integers(min_value=0, max_value=2**62))
def test_a_duration_lies_in_its_bucket(duration_ns: int) -> None:
    bucket = bucket_of(duration_ns)
    seconds = (duration_ns >> 12) * UNIT_S
    assert 0 <= bucket <= LAST
    assert lower_edge_s(bucket) <= seconds
    assert bucket == LAST or seconds < lower_edge_s(bucket + 1)
    words = memoryview(bytearray(layout.SLOT_BYTES)).cast("q")
    assert bucket_of(duration_ns) == bucket
    assert len(words) == layout.SLOT_WORDS


@given(st.lists(st.integers(min_value=1, max_value=10**11), min_size=1), st.floats(min_value=0.01, max_value=1))
def test_a_percentile_is_near_the_true_one(durations_ns: list[int], fraction: float) -> None:
    counts = [0] * layout.BUCKET_COUNT
    for each in durations_ns:
        counts[bucket_of(each)] += 1
    found = percentile(counts, fraction)
    ordered = sorted(durations_ns)
    true_s = ordered[max(0, -int(-fraction * len(ordered) // 1) - 1)] / 1e9
    assert found is not None
    assert true_s * 0.79 - UNIT_S <= found <= true_s * 1.26 + UNIT_S


def test_no_request_has_no_percentile() -> None:
    assert percentile([0] * layout.BUCKET_COUNT, 0.5) is None
