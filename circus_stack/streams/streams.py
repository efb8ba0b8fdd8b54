"""The owner of all captures, routes and lanes of an arbiter. Lives in the loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable

from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import StreamConfig
from circus_stack.errors import ConfigError, SpawnError
from circus_stack.streams.block import StreamName
from circus_stack.streams.capture import STREAM_NAMES, Capture
from circus_stack.streams.drops import Dropped, DropReporter
from circus_stack.streams.lane import Lane
from circus_stack.streams.output import Console
from circus_stack.streams.pipe import PipeYard
from circus_stack.streams.place import Place
from circus_stack.streams.pool import Key, LanePool
from circus_stack.streams.registry import located
from circus_stack.streams.route import Route
from circus_stack.streams.stalls import StallWatch
from circus_stack.streams.tail import LiveTail
from circus_stack.streams.validation import check_watcher
from circus_stack.streams.wake import call_in_loop
from circus_stack.system.identity import resolve_identity

StreamConfigs = tuple[StreamConfig | None, StreamConfig | None]


class Streams:
    """`stdout` and `stderr` take what no stream option of a watcher sends elsewhere; without them it only reaches the
    tail. They stay open at the end: their owner closes them.

    `on_drop` is called in the loop, for each sink after a second, then more rarely while it goes on.
    `sink_timeout_s` may be set at any time.
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
    ) -> None:
        self._loop = loop
        self._tail = tail
        self._console = console or Console.of_process()
        self._defaults: dict[StreamName, Lane | None] = {"stdout": stdout, "stderr": stderr}
        self._drops = DropReporter(loop, on_drop)
        self._stalls = StallWatch(loop, sink_timeout_s)
        self._pool = LanePool(self._listen)
        self._routes: dict[str, Route] = {}
        self._configs: dict[str, StreamConfigs] = {}
        self._keys: dict[Route, list[Key]] = {}
        self._captures: set[Capture] = set()
        self._yard = PipeYard(loop)
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
        configs = (watcher.stdout_stream, watcher.stderr_stream)
        if self._configs.get(watcher.name) == configs:
            return
        problems = check_watcher(watcher)
        if problems:
            raise ConfigError(problems)
        lanes, keys = self._acquire(watcher, configs)
        route = self._routes.get(watcher.name)
        if route is None:
            route = Route(watcher.name, lanes, tail=self._tail, stalls=self._stalls, on_unused=self._drop_route)
            self._routes[watcher.name] = route
        old_keys = self._keys.get(route, [])
        route.lanes = lanes
        self._keys[route] = keys
        self._configs[watcher.name] = configs
        self._release(old_keys)

    def forget(self, name: str) -> None:
        """The watcher is gone: its sinks close once its last process is silent, its lines leave the tail."""
        route = self._routes.pop(name, None)
        if route is not None:
            del self._configs[name]
            self._tail.forget(name)
            route.retire()

    def open(self, watcher: WatcherConfig, wid: int) -> Capture:
        """Pipes for a process that is about to be spawned in slot `wid`; raises OSError where there are none left."""
        self.configure(watcher)
        capture = Capture(
            self._yard, self._routes[watcher.name], wid, owner=_owner_of(watcher), on_closed=self._captures.discard
        )
        self._captures.add(capture)
        return capture

    async def aclose(self, timeout_s: float = 5.0) -> bool:
        """Read all that processes wrote, write it, close the sinks; False where a sink did not end within `timeout_s`.

        All processes should be gone; a grandchild that still holds a pipe is not waited for.
        """
        drained = [capture.wait_drained(timeout_s) for capture in tuple(self._captures)]
        await asyncio.gather(*drained)
        for capture in tuple(self._captures):
            capture.close()
        for name in tuple(self._routes):
            self.forget(name)
        is_complete = await self._wait_closed(self._pool.closing_lanes, timeout_s)
        self._stalls.close()
        self._drops.report()
        return is_complete

    def _acquire(
        self, watcher: WatcherConfig, configs: StreamConfigs
    ) -> tuple[dict[StreamName, Lane | None], list[Key]]:
        """The lanes for a watcher's two streams, and the keys of those that were acquired for it."""
        lanes = dict(self._defaults)
        keys: list[Key] = []
        try:
            for stream, config in zip(STREAM_NAMES, configs, strict=True):
                if config is not None:
                    keys.append(self._acquire_one(watcher, stream, config))
                    lanes[stream] = self._pool.lane(keys[-1])
        except BaseException:
            self._release(keys)
            raise
        return lanes, keys

    def _acquire_one(self, watcher: WatcherConfig, stream: StreamName, config: StreamConfig) -> Key:
        try:
            return self._pool.acquire(config, Place(watcher.name, stream, self._console))
        except ConfigError as error:
            raise located(error, f"watcher:{watcher.name}", f"{stream}_stream", watcher.where) from error

    def _release(self, keys: Iterable[Key]) -> None:
        for key in keys:
            self._pool.release(key)

    def _drop_route(self, route: Route) -> None:
        self._release(self._keys.pop(route, ()))

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


def _owner_of(watcher: WatcherConfig) -> int | None:
    """The user who must be able to open /dev/stdout, where the process runs as another than the arbiter."""
    try:
        identity = resolve_identity(watcher.uid, watcher.gid)
    except SpawnError:
        # The spawn that follows fails with it, and says so.
        return None
    return None if identity is None or identity.uid == os.geteuid() else identity.uid
