"""The stdout and stderr of one process, from before its spawn until the end of both pipes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import get_args

from circus_stack.streams.block import Block, Origin, StreamName
from circus_stack.streams.framing import LineFramer
from circus_stack.streams.pipe import PipeEnds, PipeReader, PipeYard, open_nothing, open_pipe
from circus_stack.streams.record import CaptureRecord, PipeRecord
from circus_stack.streams.route import Route
from circus_stack.streams.spool import SpoolRecord

STREAM_NAMES: tuple[StreamName, ...] = get_args(StreamName)


class Capture:
    """Made before the spawn with both pipes, /dev/null for those of `without`; `attach` or `abandon` must follow. With
    `resumed`, of a process that runs, whose pipes another arbiter had.

    Lives on by itself until both pipes end, however long a grandchild holds them.
    """

    def __init__(
        self,
        yard: PipeYard,
        route: Route,
        wid: int,
        *,
        owner: int | None = None,
        without: Collection[StreamName] = (),
        on_closed: Callable[[Capture], None],
        clock: Callable[[], float] = time.time,
        resumed: CaptureRecord | None = None,
    ) -> None:
        self._yard = yard
        self._route = route
        self._wid = wid
        self._on_closed = on_closed
        self._clock = clock
        self._ends: dict[StreamName, PipeEnds] = {} if resumed is not None else _open_pipes(owner, without)
        self._streams: list[_CapturedStream] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._is_finished = False
        route.hold()
        if resumed is not None:
            for pipe in resumed.pipes:
                self._begin(pipe, resumed.pid)

    @property
    def route(self) -> Route:
        """Where the lines go."""
        return self._route

    @property
    def stdout_fd(self) -> int:
        """The child's end, until `attach` or `abandon`."""
        return self._ends["stdout"].childs

    @property
    def stderr_fd(self) -> int:
        """The child's end, until `attach` or `abandon`."""
        return self._ends["stderr"].childs

    def our_ends(self) -> dict[StreamName, int]:
        """Our ends, by which pipes are read; none of a stream that has no pipe. Until `attach` or `abandon`."""
        return {name: pipe.ours for name, pipe in self._ends.items() if pipe.ours is not None}

    def attach(self, pid: int) -> None:
        """The process runs: close the child's ends, begin to read."""
        ends, self._ends = self._ends, {}
        for name, pipe in ends.items():
            pipe.close_childs()
            if pipe.ours is None:
                continue
            self._begin(PipeRecord(stream=name, fd=pipe.ours), pid)
        if not self._streams:
            self._finish()

    def _begin(self, pipe: PipeRecord, pid: int) -> None:
        origin = Origin(self._route.watcher, self._wid, pid, pipe.stream)
        stream = _CapturedStream(self._yard, pipe, origin, self._route, self._clock, self._on_progress)
        self._streams.append(stream)
        stream.reader.resume()

    def state(self) -> CaptureRecord | None:
        """What another one can go on from; None where there is nothing more to read."""
        pipes = tuple(stream.state() for stream in self._streams if not stream.reader.is_closed)
        if not pipes:
            return None
        # Of a process, all streams have its pid.
        pid = self._streams[0].origin.pid
        return CaptureRecord(watcher=self._route.watcher, wid=self._wid, pid=pid, pipes=pipes)

    def pause(self) -> None:
        """Read no more for now; `resume` goes on."""
        for stream in self._streams:
            stream.reader.pause()

    def resume(self) -> None:
        """Read on."""
        for stream in self._streams:
            stream.reader.resume()

    def abandon(self) -> None:
        """There will be no process: close everything."""
        ends, self._ends = self._ends, {}
        for pipe in ends.values():
            pipe.close()
        if ends:
            self._finish()

    def close(self) -> None:
        """Read no more, though a grandchild still holds a pipe. The unfinished lines are passed on."""
        self.abandon()
        for stream in self._streams:
            stream.close()
        self._finish()

    @property
    def is_closed(self) -> bool:
        """Whether both pipes have ended."""
        return not self._ends and all(stream.reader.is_closed for stream in self._streams)

    async def wait_drained(self, timeout_s: float) -> bool:
        """Wait until all that a process wrote, which is gone by now, has been read; False if time ran out.

        That is so at the end of file, and also when the pipes were found empty: a grandchild that keeps them open
        holds nothing up.
        """
        if not self._is_drained():
            waiter = self._yard.loop.create_future()
            self._waiters.append(waiter)
            try:
                await asyncio.wait_for(waiter, timeout_s)
            except TimeoutError:
                return False
            finally:
                self._waiters.remove(waiter)
        for stream in self._streams:
            stream.flush()
        return True

    def _is_drained(self) -> bool:
        return all(stream.reader.count_waiting() == 0 for stream in self._streams)

    def _on_progress(self) -> None:
        """Something was read, or a pipe has ended."""
        if self._waiters and self._is_drained():
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)
        if self.is_closed:
            self._finish()

    def _finish(self) -> None:
        if not self._is_finished:
            self._is_finished = True
            self._on_closed(self)
            self._route.release()


class _CapturedStream:
    """One pipe: framed, handed to the route, paused while the route has no room."""

    def __init__(
        self,
        yard: PipeYard,
        pipe: PipeRecord,
        origin: Origin,
        route: Route,
        clock: Callable[[], float],
        on_progress: Callable[[], None],
    ) -> None:
        self.origin = origin
        self._route = route
        self._clock = clock
        self._on_progress = on_progress
        self._framer = LineFramer()
        self._framer.restore(pipe.rest)
        # What was read and is not passed on, or only in part: its last bytes are the beginning of a line.
        self._held: list[SpoolRecord] = []
        self.reader = PipeReader(
            yard,
            pipe.fd,
            pid=origin.pid,
            stream=origin.stream,
            on_data=self._on_data,
            may_read=self._may_read,
            is_large=pipe.is_large,
        )
        if pipe.unwritten:
            self._pass_on(self._framer.feed(pipe.unwritten))

    def state(self) -> PipeRecord:
        """The pipe and its unfinished line."""
        reader = self.reader
        return PipeRecord(stream=self.origin.stream, fd=reader.fd, rest=self._framer.rest, is_large=reader.is_large)

    def flush(self) -> None:
        """Pass on the unfinished line."""
        self._pass_on(self._framer.flush())

    def close(self) -> None:
        """Read no more."""
        self.reader.close()
        self.flush()

    def _on_data(self, data: bytes, record: SpoolRecord | None) -> None:
        if record is not None:
            self._held.append(record)
        self._pass_on(self._framer.feed(data) if data else self._framer.flush())
        self._on_progress()

    def _pass_on(self, data: bytes) -> None:
        if not data:
            return
        held, self._held = self._held, []
        open_size = self._framer.rest_size
        if held and open_size:
            self._held.append(held[-1])
        on_written = partial(_settle, held, open_size) if held else None
        self._route.pass_on(Block(self.origin, self._clock(), data, on_written))

    def _may_read(self) -> bool:
        return self._route.has_room(self.origin.stream, self.reader.resume_soon)


def _settle(records: Sequence[SpoolRecord], open_size: int) -> None:
    """What was read in these is written, but for so many bytes at the end of the last."""
    for record in records[:-1]:
        record.finish()
    last = records[-1]
    if open_size:
        last.skip_to(last.length - open_size)
    else:
        last.finish()


def _open_pipes(owner: int | None, without: Collection[StreamName]) -> dict[StreamName, PipeEnds]:
    ends: dict[StreamName, PipeEnds] = {}
    try:
        for name in STREAM_NAMES:
            ends[name] = open_nothing() if name in without else open_pipe(owner)
    except OSError:
        for pipe in ends.values():
            pipe.close()
        raise
    return ends
