"""What workers serve: one look for all watchers, and the right scoreboard whatever became of the one before."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from chaussette.scoreboard import Board, Slot, State, layout
from circus_stack.stats.serving import Serving

ME = os.getpid()


@pytest.fixture
def board() -> Iterator[Board]:
    made = Board.create("test")
    yield made
    made.close()


@pytest.fixture
def serving() -> Iterator[Serving]:
    made = Serving()
    yield made
    made.close()


def attached(board: Board) -> Slot:
    place = board.assign(timeout_s=0.0, beat_s=5.0)
    assert place is not None
    slot = Slot(board.fd, *place)
    slot.say(State.SERVING)
    return slot


def place_of(fd: int) -> str:
    return f"/proc/self/fd/{fd}"


def test_each_watcher_is_told_of_its_own_workers(board: Board, serving: Serving) -> None:
    attached(board)
    serving.open(place_of(board.fd))
    for _ in range(2):
        serving.look({"web": {ME: None}, "job": {1: None}})
    assert serving.details("web", ME)["in_flight"] == 0
    assert serving.details("job", 1) == {}
    assert set(serving.served) == {"web"}


def test_nothing_is_made_anew_of_a_worker_that_answers_nothing(board: Board, serving: Serving) -> None:
    slot = attached(board)
    serving.open(place_of(board.fd))
    told = []
    for work in (slot.beat, slot.beat, slot.beat, lambda: answer(slot), slot.beat):
        work()
        serving.look({"web": {ME: None}})
        told.append(serving.details("web", ME))
    assert told[1] is told[2] is told[4] != told[3]
    assert (told[3]["statuses"]["2xx"], told[4]["statuses"]["2xx"], told[4]["p99"]) == (1, 0, None)
    assert serving.served["web"].statuses == (0, 0, 1, 0, 0, 0)


def answer(slot: Slot) -> None:
    """One request, as the layer that counts notes it."""
    for word in (layout.BEGUN, layout.STATUSES + 2, layout.BUCKETS + 20):
        slot.words[word] += 1


def test_the_same_scoreboard_is_read_on(board: Board, serving: Serving) -> None:
    attached(board)
    other = os.dup(board.fd)
    try:
        serving.open(place_of(board.fd))
        for _ in range(2):
            serving.look({"web": {ME: None}})
        # By whatever path: the marks of before count.
        serving.open(place_of(other))
        assert serving.details("web", ME) != {}
    finally:
        os.close(other)


def test_another_one_at_the_same_path_is_opened(board: Board, serving: Serving) -> None:
    path = os.dup(board.fd)
    new = Board.create("new")
    try:
        serving.open(place_of(path))
        serving.look({"web": {ME: None}})
        # An arbiter that is replaced in place has made a new one, by chance at the same descriptor.
        os.dup2(new.fd, path)
        attached(new)
        serving.open(place_of(path))
        for _ in range(2):
            serving.look({"web": {ME: None}})
        assert serving.details("web", ME)["in_flight"] == 0
    finally:
        new.close()
        os.close(path)


def test_one_that_comes_later_is_read_then(board: Board, serving: Serving, caplog: pytest.LogCaptureFixture) -> None:
    attached(board)
    serving.open("/proc/self/fd/999999")
    serving.look({"web": {ME: None}})
    assert "no figures of what workers serve" in caplog.text
    serving.open(place_of(board.fd))
    for _ in range(2):
        serving.look({"web": {ME: None}})
    assert serving.details("web", ME) != {}
