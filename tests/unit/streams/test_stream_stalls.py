"""Watching a stuck lane, and telling drops, with the loop's clock moved by hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

from circus_stack.streams.block import Block, Origin
from circus_stack.streams.drop_reporter import DropReporter
from circus_stack.streams.drops import Dropped
from circus_stack.streams.lane import Lane
from circus_stack.streams.sink import Tick
from circus_stack.streams.stalls import StallWatch

PATIENCE_S = 20.0


class FakeLoop(asyncio.AbstractEventLoop):
    """Keeps timers until they are fired."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[Callable[..., object], tuple[Any, ...], asyncio.TimerHandle]] = []

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(delay, callback, args, self)
        self.timers.append((callback, args, handle))
        return handle

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any, context: Any = None) -> asyncio.Handle:
        callback(*args)
        return asyncio.Handle(callback, args, self)

    def time(self) -> float:
        return self.now

    def get_debug(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Of no interest."""

    def fire(self) -> None:
        timers, self.timers = self.timers, []
        for callback, args, handle in timers:
            if not handle.cancelled():
                self.now += handle.when()
                callback(*args)


class StuckSink:
    def __init__(self) -> None:
        self.gate = threading.Event()

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        assert self.gate.wait(PATIENCE_S)

    def close(self) -> None:
        """Nothing to close."""


def full_lane() -> tuple[Lane, StuckSink]:
    sink = StuckSink()
    lane = Lane(sink, name="stuck", capacity=1)
    lane.put(Block(Origin("web", 1, 1, "stdout"), 0.0, b"x\n"))
    return lane, sink


def finish(lane: Lane, sink: StuckSink) -> None:
    sink.gate.set()
    lane.close()
    assert lane.wait_closed(PATIENCE_S)


def test_a_lane_that_makes_no_progress_is_stalled() -> None:
    loop = FakeLoop()
    lane, sink = full_lane()
    watch = StallWatch(loop, 5.0)
    resumed: list[int] = []
    watch.watch(lane)
    watch.watch(lane)
    lane.when_room(lambda: resumed.append(1))
    assert len(loop.timers) == 1
    loop.fire()
    assert not lane.is_full
    assert resumed == [1]
    lane.put(Block(Origin("web", 1, 1, "stdout"), 0.0, b"y\n"))
    (dropped,) = lane.collect_drops()
    assert dropped.reason == "has taken nothing for 5 s"
    finish(lane, sink)


def test_a_slow_lane_is_given_more_time() -> None:
    loop = FakeLoop()
    lane, sink = full_lane()
    watch = StallWatch(loop, 5.0)
    watch.watch(lane)
    lane.when_room(lambda: None)
    lane.ticks += 1
    loop.fire()
    assert lane.is_full
    assert len(loop.timers) == 1
    loop.fire()
    assert not lane.is_full
    finish(lane, sink)


def test_no_timer_runs_once_nobody_waits() -> None:
    loop = FakeLoop()
    lane, sink = full_lane()
    watch = StallWatch(loop, 5.0)
    watch.watch(lane)
    finish(lane, sink)
    loop.fire()
    assert loop.timers == []


def test_drops_are_told_once_for_each_pause() -> None:
    loop = FakeLoop()
    told: list[Dropped] = []
    reporter = DropReporter(loop, told.append)
    lane, sink = full_lane()
    lane.listen_to_drops(reporter.note)
    lane.stall("stuck")
    for _ in range(3):
        lane.put(Block(Origin("web", 1, 1, "stdout"), 0.0, b"y\n"))
    assert told == []
    loop.fire()
    assert [each.lines for each in told] == [3]
    loop.fire()
    assert len(told) == 1
    lane.put(Block(Origin("web", 1, 1, "stdout"), 0.0, b"y\n"))
    reporter.report()
    assert [each.lines for each in told] == [3, 1]
    finish(lane, sink)


def test_reports_grow_rare_while_drops_go_on_and_come_soon_again_afterwards() -> None:
    loop = FakeLoop()
    reporter = DropReporter(loop, lambda _dropped: None)
    lane, sink = full_lane()
    lane.listen_to_drops(reporter.note)
    lane.stall("stuck")

    def pause() -> float:
        lane.put(Block(Origin("web", 1, 1, "stdout"), 0.0, b"y\n"))
        began = loop.now
        loop.fire()
        return loop.now - began

    assert [pause() for _ in range(6)] == [1.0, 2.0, 4.0, 8.0, 16.0, 16.0]
    loop.now += 100.0
    assert pause() == 1.0
    finish(lane, sink)
