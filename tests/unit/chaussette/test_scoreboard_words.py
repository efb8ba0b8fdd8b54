"""The scoreboard's file: slots assigned, written, read, taken back; and the figures that two looks give."""

from __future__ import annotations

import mmap
import os
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaussette.errors import UsageError
from chaussette.scoreboard import Board, Reader, Slot, Snapshot, State, layout
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


def test_a_worker_that_writes_nonsense_is_read_as_far_as_it_makes_sense(board: Board, reader: Reader) -> None:
    slot, (number, _) = attach(board)
    slot.words[layout.STATE] = 99
    [found] = reader.snapshot().slots
    assert (found.state, found.requests, found.in_flight) == (State.NONE, 0, 0)
    for forged in (-5, 2**63 - 1, -(2**63)):
        slot.words[layout.STATUSES] = forged
        assert reader.snapshot().slots == ()
        assert all(0 <= each <= layout.ABSURD for each in board.scores(number).values())
    slot.words[layout.STATUSES : layout.STATUSES + 6] = memoryview(bytearray(48)).cast("q")
    slot.words[layout.BEGUN] = 3
    assert reader.snapshot().slots[0].in_flight == 3


def words_of(board: Board) -> memoryview[int]:
    """The whole file, as every worker can write to it."""
    return memoryview(mmap.mmap(board.fd, layout.FILE_BYTES)).cast("q")


def first_word(number: int) -> int:
    return (layout.HEADER_BYTES + number * layout.SLOT_BYTES) // layout.WORD_BYTES


@pytest.mark.parametrize("forged", [2**63 - 1, -(2**63), -1, 0, 2**62, 2**62 - 1, 2**62 + 1, 8])
def test_forged_generations_disturb_neither_the_owner_nor_the_next(board: Board, reader: Reader, forged: int) -> None:
    _, (taken, generation) = attach(board)
    _, (freed, old) = attach(board)
    board.release(freed, old)
    words = words_of(board)
    for number in (taken, freed, 2):
        words[first_word(number)] = forged
    words[layout.H_USED] = forged
    # A free one, one that was never assigned, and one that is.
    again, third = attach(board)[1], attach(board)[1]
    assert (again[0], third[0]) == (freed, 2)
    assert again[1] > old
    assert {each.slot for each in reader.snapshot().slots} >= {freed, 2}
    other = Board(os.dup(board.fd))
    try:
        assert other.keep(taken, generation)
        assert {each.slot for each in reader.snapshot().slots} == {taken}
        words[layout.H_USED] = forged
        found = other.assign(timeout_s=0, beat_s=1)
        assert found is not None
        assert found[0] == 1
    finally:
        other.close()
    board.release(taken, generation)
    assert attach(board)[1] == (taken, generation + 2)


@pytest.mark.parametrize("forged", [2**63 - 1, -1, 0])
def test_a_successor_puts_a_forged_header_right(board: Board, forged: int) -> None:
    slot, (number, generation) = attach(board)
    words = words_of(board)
    for index in range(layout.HEADER_BYTES // layout.WORD_BYTES):
        words[index] = forged
    with pytest.raises(ValueError, match="no scoreboard"):
        Board(board.fd)
    other = Board(os.dup(board.fd), is_known=True)
    try:
        assert other.keep(number, generation)
        slot.beat()
        assert other.heartbeat_at(number)
        again = Reader(board.fd)
        assert [each.generation for each in again.snapshot().slots] == [generation]
        again.close()
    finally:
        other.close()


def test_what_is_too_short_is_not_taken_over() -> None:
    fd = os.memfd_create("other")
    try:
        with pytest.raises(ValueError, match="no scoreboard"):
            Board(fd, is_known=True)
    finally:
        os.close(fd)


def test_a_new_board_has_nobody_of_before(board: Board) -> None:
    assert not board.keep(0, 3)


@pytest.mark.parametrize("forged", [2**63 - 1, 2**62, -4])
def test_no_heartbeat_is_in_the_future(board: Board, forged: int) -> None:
    slot, (number, _) = attach(board)
    slot.words[layout.HEARTBEAT] = forged
    at = board.heartbeat_at(number)
    assert at is None or at <= time.monotonic()


def test_a_heartbeat_that_was_seen_is_not_taken_away(board: Board) -> None:
    slot, (number, generation) = attach(board)
    slot.beat()
    seen = board.heartbeat_at(number)
    assert seen is not None
    slot.words[layout.HEARTBEAT] = 1
    assert board.heartbeat_at(number) == seen
    board.release(number, generation)
    attach(board)
    assert board.heartbeat_at(number) is None


@pytest.mark.parametrize(("forged", "seconds"), [(-1, 0), (2**62, 60)])
def test_nobody_else_makes_a_worker_beat_all_the_time(board: Board, forged: int, seconds: float) -> None:
    place = board.assign(timeout_s=0, beat_s=1)
    assert place is not None
    words = words_of(board)
    words[first_word(place[0]) + layout.BEAT] = forged
    slot = Slot(board.fd, *place)
    assert slot.beat_interval_s == seconds
    words[first_word(place[0]) + layout.BEAT] = 1
    assert slot.beat_interval_s == seconds


def test_a_worker_whose_starter_has_gone_writes_nothing_more(board: Board) -> None:
    old, (number, generation) = attach(board)
    note = noting(old.words, generation)
    served = scored(lambda _environ, _start: [b"x"], old.words, generation)  # type: ignore[arg-type]
    board.release(number, generation)
    new, (same, _) = attach(board)
    assert same == number
    before = new.words.tolist()
    old.beat()
    old.say(State.STOPPING)
    old.accepted()
    note(0, "200 OK", 5)
    served({"REQUEST_METHOD": "GET"}, lambda *_given: print)
    assert new.words.tolist() == before


@pytest.mark.parametrize("forged", [2**63 - 1, -(2**63), 2**62])
def test_forged_counts_stop_no_worker_and_are_not_counted_on_with(board: Board, forged: int) -> None:
    slot, (number, generation) = attach(board)
    first = first_word(number)

    def scribble() -> None:
        words_of(board)[first + layout.BEGUN : first + layout.SLOT_WORDS] = memoryview(
            forged.to_bytes(8, "little", signed=True) * (layout.SLOT_WORDS - layout.BEGUN)
        ).cast("q")

    def fail(_environ: Any, _start: Any) -> list[bytes]:
        raise LookupError("as it should")

    scribble()
    served = scored(lambda _environ, start: start("200 OK", []) and [b"x"], slot.words, generation)  # type: ignore[arg-type]
    failing = scored(fail, slot.words, generation)
    for count in (1, 2):
        scribble()
        slot.accepted()
        assert served({"REQUEST_METHOD": "GET"}, lambda *_given: print) == [b"x"]
        with pytest.raises(LookupError):
            failing({"REQUEST_METHOD": "GET"}, lambda *_given: print)
        words = slot.words
        assert (words[layout.ACCEPTED], words[layout.FAILURES], words[layout.STATUSES + 2]) == (count, count, count)


def test_a_slot_that_was_lost_while_the_application_was_loaded_is_not_written(board: Board) -> None:
    old, (number, generation) = attach(board)
    board.release(number, generation)
    new, _ = attach(board)
    served = scored(lambda _environ, start: start("200 OK", []) and [b"x"], old.words, generation)  # type: ignore[arg-type]
    before = new.words.tolist()
    assert served({"REQUEST_METHOD": "GET"}, lambda *_given: print) == [b"x"]
    assert new.words.tolist() == before


def test_sums_fit_into_64_bits(board: Board, reader: Reader) -> None:
    for _ in range(3):
        slot, _ = attach(board)
        for index in (layout.SENT, layout.ACCEPTED, layout.STATUSES, layout.STATUSES + 1, layout.BUCKETS):
            slot.words[index] = layout.ABSURD
    empty = Snapshot(0, ())
    found = [_rates for each in reader.snapshot().slots for _rates in between(empty, Snapshot(1, (each,))).values()]
    assert len(found) == 3
    everything = total(found)
    assert everything is not None
    counts = (everything.sent, everything.accepted, everything.requests, *everything.statuses, *everything.buckets)
    assert max(counts) == layout.ABSURD


def test_threads_lose_no_count(board: Board) -> None:
    slot, _ = attach(board)
    interval = sys.getswitchinterval()

    def app(_environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"abc"]

    served = scored(app, slot.words, slot.generation)

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
    note = noting(slot.words, slot.generation)
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
