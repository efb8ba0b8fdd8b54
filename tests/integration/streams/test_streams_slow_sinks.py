"""Sinks that are slow, stuck or full: the loop runs on, the writer waits, and what is dropped is counted and told."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from pathlib import Path

from circus_stack.config.schema import WatcherConfig
from circus_stack.streams.block import Block, Origin
from circus_stack.streams.lane import Lane
from circus_stack.streams.sink import Tick
from tests.integration.streams.rig import rig, to_file, until
from tests.support.waiting import PATIENCE_S

WEB = WatcherConfig(name="web")
# 5 MB: more than lane and pipe can hold.
FLOOD = "import os\nfor i in range(50): os.write(1, b'x' * 99_999 + b'\\n')\nos.write(2, b'done\\n')"


class GatedSink:
    """Takes nothing while its gate is shut."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.size = 0
        self.newest = b""

    def write(self, blocks: Sequence[Block], tick: Tick) -> None:
        assert self.gate.wait(PATIENCE_S)
        self.size += sum(len(block.data) for block in blocks)
        self.newest = blocks[-1].data

    def close(self) -> None:
        """Nothing to close."""


def test_a_slow_sink_makes_the_writer_wait_and_loses_nothing() -> None:
    async def scenario() -> None:
        sink = GatedSink()
        lane = Lane(sink, name="slow")
        async with rig(stdout=lane, sink_timeout_s=PATIENCE_S) as r:
            child, capture = r.python(WEB, FLOOD)
            await until(lambda: lane.is_awaited, "back-pressure")
            assert child.poll() is None
            assert b"done" not in r.lines("web")
            sink.gate.set()
            await r.finish(child, capture)
            lane.close()
            assert await asyncio.to_thread(lane.wait_closed, PATIENCE_S)
            assert sink.size == 5_000_000
            assert r.dropped == []

    asyncio.run(scenario())


def test_a_stuck_sink_drops_after_its_timeout_and_recovers() -> None:
    async def scenario() -> None:
        sink = GatedSink()
        lane = Lane(sink, name="stuck")
        async with rig(stdout=lane, sink_timeout_s=0.05) as r:
            child, capture = r.python(WEB, FLOOD)
            await r.finish(child, capture)
            await until(lambda: r.dropped, "a report of drops")
            # Our own words wait out the stall: once the sink has them, it is over.
            lane.put(Block(Origin("", 0, 0, "stderr"), 0.0, b"news\n"))
            sink.gate.set()
            await until(lambda: sink.newest == b"news\n", "the end of the stall")
            await r.finish(*r.start(WEB, ["echo", "after"]))
            lane.close()
            assert await asyncio.to_thread(lane.wait_closed, PATIENCE_S)
            lost = sum(each.bytes for each in r.dropped)
            assert sink.size + lost == 5_000_000 + len(b"news\nafter\n")
            assert {each.reason for each in r.dropped} == {"has taken nothing for 0.05 s"}
            assert {(each.sink, each.watcher, each.stream) for each in r.dropped} == {("stuck", "web", "stdout")}

    asyncio.run(scenario())


def test_a_stuck_sink_holds_up_no_other() -> None:
    async def scenario() -> None:
        stuck, fine = GatedSink(), GatedSink()
        fine.gate.set()
        lanes = Lane(stuck, name="stuck"), Lane(fine, name="fine")
        async with rig(stdout=lanes[0], stderr=lanes[1], sink_timeout_s=PATIENCE_S) as r:
            flood, capture = r.python(WatcherConfig(name="flood"), FLOOD)
            await until(lambda: lanes[0].is_awaited, "back-pressure")
            await r.finish(*r.start(WEB, ["sh", "-c", "echo fine >&2"]))
            await until(lambda: fine.size == len(b"fine\n"), "a line past the stuck sink")
            stuck.gate.set()
            await r.finish(flood, capture)
            for lane in lanes:
                lane.close()
                assert await asyncio.to_thread(lane.wait_closed, PATIENCE_S)

    asyncio.run(scenario())


def test_a_full_disk_is_told_and_kills_nothing() -> None:
    async def scenario() -> None:
        async with rig() as r:
            await r.finish(*r.start(to_file("web", "/dev/full"), ["seq", "100"]))
            r.streams.forget("web")
            await until(lambda: sum(each.lines for each in r.dropped) == 100, "a report of 100 lines")
            assert "No space left on device" in r.dropped[0].reason
            assert r.dropped[0].sink == "/dev/full"

    asyncio.run(scenario())


def test_a_fifo_that_nobody_reads_drops_and_nothing_hangs(tmp_path: Path) -> None:
    async def scenario() -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        async with rig(sink_timeout_s=0.05) as r:
            await r.finish(*r.python(to_file("web", fifo), FLOOD))
            await until(lambda: r.dropped, "a report of drops")
            assert await r.streams.aclose(timeout_s=0.05) is False
            # A reader at last: the thread that waits in open() can end.
            reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
            await until(lambda: _drain(reader) and not list(r.streams._board.closing_lanes), "the end of the lane")
            os.close(reader)

    asyncio.run(scenario())


def _drain(fd: int) -> bool:
    try:
        while os.read(fd, 1 << 20):
            pass
    except BlockingIOError:
        pass
    return True


def test_the_end_waits_until_all_is_written(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "x.log"
        async with rig() as r:
            child, _ = r.python(to_file("web", path), FLOOD)
            child.wait(0) if child.poll() is not None else None
            await until(lambda: child.poll() is not None, "the end of the writer")
            assert await r.streams.aclose()
            assert path.stat().st_size == 5_000_000 + len(b"done\n")

    asyncio.run(scenario())
