"""The captures of all processes of an arbiter, and with the switchboard what they lead to. Lives in the loop."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable

from msgspec import structs

from circus_stack.config.schema import WatcherConfig
from circus_stack.errors import ConfigError, SpawnError
from circus_stack.streams.block import StreamName
from circus_stack.streams.capture import Capture
from circus_stack.streams.drop_reporter import DropReporter
from circus_stack.streams.drops import Dropped
from circus_stack.streams.lane import Lane
from circus_stack.streams.output import Console
from circus_stack.streams.pipe import PipeYard
from circus_stack.streams.record import CaptureRecord, StreamsRecord
from circus_stack.streams.route import Lanes, Route
from circus_stack.streams.spool import Spool
from circus_stack.streams.stalls import StallWatch
from circus_stack.streams.switchboard import Switchboard
from circus_stack.streams.tail import LiveTail
from circus_stack.streams.wake import call_in_loop
from circus_stack.system.identity import resolve_identity

log = logging.getLogger(__name__)


class Streams:
    """`stdout` and `stderr` take what no stream option of a watcher sends elsewhere; without them it only reaches the
    tail. They stay open at the end: their owner closes them.

    `on_drop` is called in the loop, for each sink after a second, then more rarely while it goes on.
    `sink_timeout_s` may be set at any time. `spool` keeps what was read until it is written, lest
    it be lost with the arbiter.
    """

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        tail: LiveTail,
        on_drop: Callable[[Dropped], None],
        stdout: Lane | None = None,
        stderr: Lane | None = None,
        sink_timeout_s: float = 5.0,
        console: Console | None = None,
        spool: Spool | None = None,
    ) -> None:
        self._loop = loop
        self._tail = tail
        self._on_drop = on_drop
        self._dropped: Counter[str] = Counter()
        self._drops = DropReporter(loop, self._count_drop)
        self._stalls = StallWatch(loop, sink_timeout_s)
        self._board = Switchboard(
            defaults={"stdout": stdout, "stderr": stderr},
            console=console or Console.of_process(),
            on_opened=self._listen,
            make_route=self._make_route,
        )
        self._captures: set[Capture] = set()
        self._yard = PipeYard(loop, spool=spool)
        for lane in {stdout, stderr}:
            if lane is not None:
                self._listen(lane)

    @property
    def sink_timeout_s(self) -> float:
        """Seconds without progress after which a full sink drops."""
        return self._stalls.timeout_s

    @sink_timeout_s.setter
    def sink_timeout_s(self, value: float) -> None:
        self._stalls.timeout_s = value

    def configure(self, watcher: WatcherConfig) -> None:
        """Open the watcher's sinks, or change them: processes that run write to the new ones at once.

        Nothing is opened anew if the stream options are the same. Raises ConfigError before anything has changed.
        """
        self._board.configure(watcher)

    def forget(self, name: str) -> None:
        """The watcher is gone: its sinks close once its last process is silent, its lines leave the tail."""
        if self._board.forget(name):
            self._tail.forget(name)
            self._dropped.pop(name, None)

    def dropped_lines(self, name: str) -> int:
        """How many lines of a watcher were dropped since it was declared, as far as it was told yet."""
        return self._dropped[name]

    def open(self, watcher: WatcherConfig, wid: int) -> Capture:
        """Pipes for a process that is about to be spawned with this configuration in slot `wid`.

        Its output goes where this configuration says; that of processes which run already stays where it is until
        `configure`. Raises ConfigError, and OSError where there are no pipes left.
        """
        route = self._board.route(watcher)
        route.hold()
        try:
            capture = Capture(
                self._yard,
                route,
                wid,
                owner=_owner_of(watcher),
                without=_closed_of(watcher),
                on_closed=self._captures.discard,
            )
        finally:
            # The capture holds it from here on. Where there is none, a route that was made for it ends.
            route.release()
        self._captures.add(capture)
        return capture

    # -- handing over ---------------------------------------------------------------------------------------------

    def state(self) -> StreamsRecord:
        """What other streams go on from. Lines that were read are in it only if they are unfinished, or in the tail:
        `rest` before."""
        found = [(self._board.configs_of(each.route), each.state()) for each in self._captures]
        captures = (
            structs.replace(record, stdout_stream=configs[0], stderr_stream=configs[1])
            for configs, record in found
            if record is not None
        )
        return StreamsRecord(captures=tuple(captures), dropped=dict(self._dropped), tail=self._tail.state())

    def restore(self, watchers: Iterable[WatcherConfig], record: StreamsRecord) -> None:
        """Go on where other streams were, with their descriptors, for these watchers. It is too late to refuse: where
        a sink cannot be made, the lines go where those go that no option sends elsewhere."""
        for watcher in watchers:
            self._accept(watcher)
        self._tail.restore(record.tail)
        self._dropped.update(record.dropped)
        gone = {each.watcher for each in record.captures} - set(self._board.names)
        for each in record.captures:
            self._restore_capture(each)
        for name in gone:
            # What its processes still write is taken to the end.
            self._board.forget(name)

    def _accept(self, watcher: WatcherConfig) -> Route:
        try:
            return self._board.route(watcher)
        except ConfigError as error:
            log.error("the output of %s goes to the arbiter's own:\n%s", watcher.name, error)
            return self._board.route(dataclasses.replace(watcher, stdout_stream=None, stderr_stream=None))

    def _restore_capture(self, record: CaptureRecord) -> None:
        route = self._accept(
            WatcherConfig(name=record.watcher, stdout_stream=record.stdout_stream, stderr_stream=record.stderr_stream)
        )
        self._captures.add(Capture(self._yard, route, record.wid, on_closed=self._captures.discard, resumed=record))

    async def rest(self, timeout_s: float) -> list[str]:
        """Read no more, write what was read, close the sinks; the names of those that did not end in time. `wake` takes
        it back."""
        self._yard.is_paused = True
        for capture in self._captures:
            capture.pause()
        waits = {lane: self._rested(lane) for lane in self._board.lanes}
        closing = {lane: self._closed(lane) for lane in self._board.closing_lanes}
        tasks = {**waits, **closing}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=timeout_s)
        late = [lane.name for lane, task in tasks.items() if not task.done()]
        for task in tasks.values():
            task.cancel()
        return late

    def wake(self) -> None:
        """Go on after a `rest`: open the sinks anew, read on."""
        self._board.reopen()
        self._yard.is_paused = False
        for capture in self._captures:
            capture.resume()

    def report_drops(self) -> None:
        """Tell now what would be told in a moment."""
        self._drops.report()

    def _rested(self, lane: Lane) -> asyncio.Task[bool]:
        event = asyncio.Event()
        lane.rest(lambda: call_in_loop(self._loop, event.set))
        return self._loop.create_task(event.wait())

    # -- the end ---------------------------------------------------------------------------------------------------

    async def aclose(self, timeout_s: float = 5.0) -> bool:
        """Read all that processes wrote, write it, close the sinks; False where a sink did not end within `timeout_s`.

        All processes should be gone; a grandchild that still holds a pipe is not waited for.
        """
        drained = [capture.wait_drained(timeout_s) for capture in tuple(self._captures)]
        await asyncio.gather(*drained)
        for capture in tuple(self._captures):
            capture.close()
        for name in self._board.names:
            self.forget(name)
        is_complete = await self._wait_closed(self._board.closing_lanes, timeout_s)
        self._stalls.close()
        self._drops.report()
        self._yard.close()
        return is_complete

    def _make_route(self, watcher: str, lanes: Lanes, is_passing: bool, on_unused: Callable[[Route], None]) -> Route:
        return Route(watcher, lanes, tail=self._tail, stalls=self._stalls, on_unused=on_unused, is_passing=is_passing)

    def _count_drop(self, dropped: Dropped) -> None:
        self._dropped[dropped.watcher] += dropped.lines
        self._on_drop(dropped)

    def _listen(self, lane: Lane) -> None:
        lane.listen_to_drops(self._drops.note)

    async def _wait_closed(self, lanes: Iterable[Lane], timeout_s: float) -> bool:
        """Wait until all lanes are closed."""
        waits = [self._closed(lane) for lane in lanes]
        _, pending = await asyncio.wait(waits, timeout=timeout_s) if waits else ((), ())
        for task in pending:
            task.cancel()
        return not pending

    def _closed(self, lane: Lane) -> asyncio.Task[bool]:
        """A task that ends once `lane` has written all and closed its sink."""
        event = asyncio.Event()
        lane.close(lambda: call_in_loop(self._loop, event.set))
        return self._loop.create_task(event.wait())


def _closed_of(watcher: WatcherConfig) -> list[StreamName]:
    """The streams that the configuration has closed."""
    closed: dict[StreamName, bool] = {"stdout": watcher.close_child_stdout, "stderr": watcher.close_child_stderr}
    return [name for name, is_closed in closed.items() if is_closed]


def _owner_of(watcher: WatcherConfig) -> int | None:
    """The user who must be able to open /dev/stdout, where the process runs as another than the arbiter."""
    try:
        identity = resolve_identity(watcher.uid, watcher.gid)
    except SpawnError:
        # The spawn that follows fails with it, and says so.
        return None
    return None if identity is None or identity.uid == os.geteuid() else identity.uid
