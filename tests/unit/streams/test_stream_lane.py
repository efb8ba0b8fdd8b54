"""The queue and the thread before a sink."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from circus_stack.streams.block import Block, Origin
from circus_stack.streams.drops import Dropped
from circus_stack.streams.lane import Lane
from circus_stack.streams.sink import SinkError, Tick

ORIGIN = Origin("web", 1, 10, "stdout")
PATIENCE_S = 20.0


class GatedSink:
    """Takes nothing while its gate is shut."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.written: list[bytes] = []
        self.is_closed = False
        if is_open:
            self.gate.set()

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        self.entered.set()
        assert self.gate.wait(PATIENCE_S)
        self.written.extend(block.data for block in blocks)

    def close(self) -> None:
        self.is_closed = True


def block(data: bytes = b"line\n") -> Block:
    return Block(ORIGIN, 1.0, data)


def dropped_lines(lane: Lane) -> int:
    """How many were dropped since the last call."""
    return sum(each.lines for each in lane.collect_drops())


def finish(lane: Lane) -> None:
    lane.close()
    assert lane.wait_closed(PATIENCE_S)


def test_everything_put_is_written_in_order_and_the_sink_closed() -> None:
    sink = GatedSink()
    lane = Lane(sink, name="x")
    for number in range(1000):
        lane.put(block(b"%d\n" % number))
    finish(lane)
    assert sink.written == [b"%d\n" % number for number in range(1000)]
    assert sink.is_closed
    assert dropped_lines(lane) == 0


def test_is_full_at_its_capacity_and_says_when_there_is_room() -> None:
    sink = GatedSink(is_open=False)
    lane = Lane(sink, name="x", capacity=10)
    lane.put(block(b"12345678\n"))
    assert not lane.is_full
    lane.put(block())
    assert lane.is_full
    has_room = threading.Event()
    lane.when_room(has_room.set)
    assert lane.is_awaited
    assert not has_room.is_set()
    sink.gate.set()
    assert has_room.wait(PATIENCE_S)
    finish(lane)


def test_says_at_once_that_there_is_room() -> None:
    lane = Lane(GatedSink(), name="x")
    called: list[int] = []
    lane.when_room(lambda: called.append(1))
    assert called == [1]
    finish(lane)


def test_a_stalled_lane_drops_counts_and_recovers() -> None:
    sink = GatedSink(is_open=False)
    lane = Lane(sink, name="/dev/slow", capacity=10)
    told = threading.Event()
    lane.listen_to_drops(lambda _lane: told.set())
    lane.put(block(b"0123456789\n"))
    assert sink.entered.wait(PATIENCE_S)
    has_room = threading.Event()
    lane.when_room(has_room.set)
    lane.stall("has taken nothing for 5 s")
    assert has_room.is_set()
    assert not lane.is_full
    lane.put(block(b"a\nb\n"))
    lane.put(block(b"c\n"))
    assert told.is_set()
    assert lane.collect_drops() == [Dropped("/dev/slow", "web", "stdout", 3, 6, "has taken nothing for 5 s")]
    assert lane.collect_drops() == []
    sink.gate.set()
    finish(lane)
    assert sink.written == [b"0123456789\n"]


def test_our_own_words_wait_out_a_stall() -> None:
    sink = GatedSink(is_open=False)
    lane = Lane(sink, name="x", capacity=10)
    lane.put(block(b"0123456789\n"))
    lane.stall("stuck")
    ours = Block(Origin("", 0, 1, "stderr"), 1.0, b"news\n")
    lane.put(ours)
    lane.put(ours)
    assert dropped_lines(lane) == 0
    lane.put(ours)
    assert dropped_lines(lane) == 1
    sink.gate.set()
    finish(lane)
    assert sink.written == [b"0123456789\n", b"news\n", b"news\n"]


def test_a_stall_ends_with_the_next_progress() -> None:
    sink = GatedSink(is_open=False)
    lane = Lane(sink, name="x", capacity=10)
    lane.put(block(b"0123456789\n"))
    lane.stall("stuck")
    assert sink.entered.wait(PATIENCE_S)
    # Our own words wait out the stall: once the sink is given them, it is over.
    lane.put(Block(Origin("", 0, 1, "stderr"), 1.0, b"news\n"))
    sink.entered.clear()
    sink.gate.set()
    assert sink.entered.wait(PATIENCE_S)
    lane.put(block(b"after\n"))
    finish(lane)
    assert sink.written == [b"0123456789\n", b"news\n", b"after\n"]


def test_whoever_ignores_that_it_is_full_is_dropped_in_the_end() -> None:
    sink = GatedSink(is_open=False)
    lane = Lane(sink, name="x", capacity=10)
    for _ in range(10):
        lane.put(block(b"12345\n"))
    sink.gate.set()
    finish(lane)
    assert (len(sink.written), dropped_lines(lane)) == (4, 6)


class FailingSink(GatedSink):
    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        raise OSError("disk on fire")


def test_a_sink_that_raises_loses_what_it_was_given_and_no_more() -> None:
    lane = Lane(FailingSink(), name="x")
    lane.put(block(b"1\n2\n"))
    finish(lane)
    (dropped,) = lane.collect_drops()
    assert dropped.lines == 2
    assert dropped.reason == "failed: OSError: disk on fire"


class HalfSink(GatedSink):
    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        raise SinkError("failed: full", [block(b"lost\n")])


def test_a_sink_error_says_what_was_lost() -> None:
    lane = Lane(HalfSink(), name="x")
    lane.put(block(b"written\nlost\n"))
    finish(lane)
    assert dropped_lines(lane) == 1


def test_a_closed_lane_drops() -> None:
    lane = Lane(GatedSink(), name="x")
    finish(lane)
    lane.put(block())
    (dropped,) = lane.collect_drops()
    assert dropped.reason == "is closed"
    assert not lane.is_full


def test_closing_twice_calls_back_twice() -> None:
    lane = Lane(GatedSink(), name="x")
    done = [threading.Event(), threading.Event()]
    lane.close(done[0].set)
    assert done[0].wait(PATIENCE_S)
    lane.close(done[1].set)
    assert done[1].is_set()


def test_waiting_for_a_stuck_sink_ends() -> None:
    sink = GatedSink(is_open=False)
    lane = Lane(sink, name="x")
    lane.put(block())
    assert sink.entered.wait(PATIENCE_S)
    lane.close()
    assert lane.wait_closed(0.001) is False
    sink.gate.set()
    assert lane.wait_closed(PATIENCE_S)


def test_drops_are_told_to_one_who_listens_late() -> None:
    lane = Lane(GatedSink(), name="x")
    finish(lane)
    lane.put(block())
    told: list[Lane] = []
    lane.listen_to_drops(told.append)
    assert told == [lane]


def test_the_sentence_about_a_drop() -> None:
    assert str(Dropped("/var/log/web.log", "web", "stderr", 1, 5, "is closed")) == (
        "1 line (5 bytes) of web's stderr dropped: /var/log/web.log is closed"
    )
    assert "2 lines (9 bytes) of our own messages" in str(Dropped("stderr", "", "stderr", 2, 9, "is closed"))


def test_the_sink_can_be_changed_between_two_blocks() -> None:
    first, second = GatedSink(is_open=False), GatedSink()
    lane = Lane(first, name="x")
    lane.put(block(b"1\n"))
    assert first.entered.wait(PATIENCE_S)
    lane.change_sink(second)
    lane.put(block(b"2\n"))
    first.gate.set()
    finish(lane)
    assert (first.written, second.written) == ([b"1\n"], [b"2\n"])
    assert first.is_closed and second.is_closed


def test_what_another_lane_still_has_for_the_same_place_comes_first() -> None:
    first, second = GatedSink(is_open=False), GatedSink()
    before = Lane(first, name="x")
    before.put(block(b"1\n"))
    assert first.entered.wait(PATIENCE_S)
    before.close()
    after = Lane(second, name="x", after=before)
    after.put(block(b"2\n"))
    assert not second.entered.is_set()
    first.gate.set()
    assert second.entered.wait(PATIENCE_S)
    finish(after)
    assert (first.written, second.written) == ([b"1\n"], [b"2\n"])
    assert first.is_closed
