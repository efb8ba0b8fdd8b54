"""A sink with a thread of its own and a bounded queue before it, so that no disk and no terminal can hold up the loop.

The loop puts blocks in; it should not while the lane is full, unless the lane is stalled, for then they are dropped
and counted. The thread starts with the first block: fork before that, or not at all.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections import deque
from collections.abc import Callable
from itertools import count

from circus_stack.streams.block import Block
from circus_stack.streams.drops import Dropped, DropTally
from circus_stack.streams.sink import Sink, SinkError

CAPACITY = 1024 * 1024
# What one call hands to a sink at most: large enough to spare system calls, small enough to free the queue in steps.
BATCH = 256 * 1024

_log = logging.getLogger(__name__)
_numbers = count(1)


class Lane:
    """Owns `sink`. `name` says in messages where the lines go: a path, `stdout`, a class. `after` is a lane that closes
    and has lines for the same place: its lines come first, and two rotations of one file never meet."""

    def __init__(self, sink: Sink, *, name: str, capacity: int = CAPACITY, after: Lane | None = None) -> None:
        self.name = name
        self._after = after
        self._sink = sink
        self._next_sink: Sink | None = None
        self._capacity = capacity
        self._queue: deque[Block] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._tally = DropTally(name)
        self._drop_listener: Callable[[Lane], None] | None = None
        self._room_callbacks: list[Callable[[], None]] = []
        self._stall_reason = ""
        self._closing = False
        self._closed = threading.Event()
        self._close_callbacks: list[Callable[[], None]] = []
        self._rest_callbacks: list[Callable[[], None]] = []
        self._is_sink_open = True
        self._thread: threading.Thread | None = None
        self.ticks = 0

    # -- the loop's side ---------------------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether whoever reads for this lane should pause. Never true while it is stalled or closed."""
        return self._size >= self._capacity and not self._stall_reason and not self._closing

    @property
    def is_awaited(self) -> bool:
        """Whether a reader has paused until there is room."""
        return bool(self._room_callbacks)

    def put(self, block: Block) -> None:
        """Queue a block; dropped and counted if the lane is stalled, closed, or twice as full as it should be."""
        with self._changed:
            refusal = self._refusal(block)
            if refusal:
                is_news = self._count_drop((block,), refusal)
            else:
                is_news = False
                self._queue.append(block)
                self._size += len(block.data)
                if self._thread is None:
                    self._start()
                else:
                    # All: somebody may wait until everything is written.
                    self._changed.notify_all()
        if refusal:
            block.settle()
        if is_news:
            self._tell_drops()

    def when_room(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, from any thread, as soon as the lane is half empty, stalled or closed."""
        with self._changed:
            waits = self.is_full
            if waits:
                self._room_callbacks.append(callback)
        if not waits:
            callback()

    def stall(self, reason: str) -> None:
        """Drop what comes until the sink has taken what it has."""
        with self._changed:
            self._stall_reason = reason
            callbacks = self._take_room_callbacks()
        _call_all(callbacks)

    def change_sink(self, sink: Sink) -> None:
        """Write to `sink` from the next block on; the old one is closed before."""
        with self._changed:
            self._next_sink = sink

    def rest(self, on_rested: Callable[[], None]) -> None:
        """Write what is queued and close the sink, all in the thread; then call `on_rested` (from it). For the moment
        before an exec: who puts a block in after that gives it another sink first (`change_sink`)."""
        with self._changed:
            self._rest_callbacks.append(on_rested)
            if self._thread is None:
                self._start()
            self._changed.notify_all()

    def wait_written(self, timeout_s: float) -> bool:
        """Block until all that was put in is written; False once the sink has made no progress for `timeout_s`."""
        with self._changed:
            seen = -1
            while self._size and not self._closed.is_set():
                if seen == self.ticks:
                    return False
                seen = self.ticks
                self._changed.wait_for(lambda: not self._size, timeout_s)
        return True

    def listen_to_drops(self, listener: Callable[[Lane], None]) -> None:
        """Call `listener`, from any thread, when drops wait to be collected."""
        self._drop_listener = listener
        if self._tally:
            listener(self)

    def collect_drops(self) -> list[Dropped]:
        """What was dropped since the last call."""
        with self._changed:
            return self._tally.collect()

    def close(self, on_closed: Callable[[], None] | None = None) -> None:
        """Write what is queued, then close the sink, all in the thread; then call `on_closed` (from any thread)."""
        with self._changed:
            self._closing = True
            if on_closed is not None and not self._closed.is_set():
                self._close_callbacks.append(on_closed)
                on_closed = None
            callbacks = self._take_room_callbacks()
            if self._thread is None and not self._closed.is_set():
                self._start()
            self._changed.notify()
        _call_all(callbacks)
        if on_closed is not None:
            on_closed()

    def wait_closed(self, timeout_s: float) -> bool:
        """Block until all is written and closed; False once the sink has made no progress for `timeout_s` seconds."""
        seen = -1
        while not self._closed.is_set():
            if seen == self.ticks:
                return False
            seen = self.ticks
            self._closed.wait(timeout_s)
        return True

    # -- the thread's side -------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"lane-{next(_numbers)}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        # Under `stty tostop` a write from the background would stop the whole program, or never end where the signal
        # has a handler; blocked, it is just written.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
        try:
            self._wait_for_predecessor()
            while batch := self._take_batch():
                self._follow_change()
                self._write(batch)
                for block in batch:
                    block.settle()
                self._release(sum(len(block.data) for block in batch))
        finally:
            self._finish()

    def _wait_for_predecessor(self) -> None:
        before, self._after = self._after, None
        if before is not None:
            before._closed.wait()

    def _take_batch(self) -> list[Block]:
        """What is to be written next; empty when the lane is closed and nothing is left."""
        with self._changed:
            while not self._queue and not self._closing:
                self._rest_if_asked()
                self._changed.wait()
            batch: list[Block] = []
            size = 0
            # One block at least; several only where they are small, since they are copied to be written at once.
            while self._queue and (not batch or size + len(self._queue[0].data) <= BATCH):
                batch.append(self._queue.popleft())
                size += len(batch[-1].data)
            return batch

    def _rest_if_asked(self) -> None:
        """Needs the lock: nobody puts anything in meanwhile."""
        callbacks, self._rest_callbacks = self._rest_callbacks, []
        if callbacks:
            self._close_sink()
            _call_all(callbacks)

    def _follow_change(self) -> None:
        with self._changed:
            sink, self._next_sink = self._next_sink, None
        if sink is not None:
            self._close_sink()
            self._sink, self._is_sink_open = sink, True

    def _close_sink(self) -> None:
        if not self._is_sink_open:
            return
        self._is_sink_open = False
        try:
            self._sink.close()
        except Exception:
            _log.exception("could not close %s", self.name)

    def _write(self, batch: list[Block]) -> None:
        try:
            self._sink.write(batch, self._tick)
        except SinkError as error:
            self._drop(error.lost, str(error))
        except Exception as error:
            self._drop(batch, f"failed: {type(error).__name__}: {error}")
        self._tick()

    def _tick(self) -> None:
        self.ticks += 1

    def _release(self, size: int) -> None:
        """`size` bytes are off the queue: let the readers go on once it is half empty."""
        with self._changed:
            self._size -= size
            self._changed.notify_all()
            if self._size > self._capacity // 2:
                return
            self._stall_reason = ""
            callbacks = self._take_room_callbacks()
        _call_all(callbacks)

    def _finish(self) -> None:
        self._follow_change()
        self._close_sink()
        with self._changed:
            self._closing = True
            self._closed.set()
            callbacks, self._close_callbacks = self._close_callbacks, []
        _call_all(callbacks)

    # -- both sides --------------------------------------------------------------------------------------------------

    def _refusal(self, block: Block) -> str:
        """Why a block can't be taken; empty if it can. Needs the lock.

        Our own words wait out a stall: they are few, and it is they who tell what was dropped meanwhile.
        """
        if self._stall_reason and not block.origin.is_ours:
            return self._stall_reason
        if self._closing:
            return "is closed"
        if self._size >= 2 * self._capacity:
            return "does not keep up"
        return ""

    def _drop(self, blocks: tuple[Block, ...] | list[Block], reason: str) -> None:
        with self._changed:
            is_news = self._count_drop(blocks, reason)
        if is_news:
            self._tell_drops()

    def _count_drop(self, blocks: tuple[Block, ...] | list[Block], reason: str) -> bool:
        """Whether nobody was told yet that there are drops. Needs the lock."""
        is_news = not self._tally
        self._tally.add(blocks, reason)
        return is_news

    def _tell_drops(self) -> None:
        if self._drop_listener is not None:
            self._drop_listener(self)

    def _take_room_callbacks(self) -> list[Callable[[], None]]:
        callbacks, self._room_callbacks = self._room_callbacks, []
        return callbacks


def _call_all(callbacks: list[Callable[[], None]]) -> None:
    for callback in callbacks:
        callback()
