"""Which sinks the processes of a watcher write to: a route for each of the ways in which they are configured."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from circus_stack.config.schema import WatcherConfig
from circus_stack.config.values import StreamConfig
from circus_stack.errors import ConfigError
from circus_stack.streams.block import StreamName
from circus_stack.streams.capture import STREAM_NAMES
from circus_stack.streams.lane import Lane
from circus_stack.streams.output import Console
from circus_stack.streams.place import Place
from circus_stack.streams.pool import Key, LanePool
from circus_stack.streams.registry import located
from circus_stack.streams.route import Lanes, Route
from circus_stack.streams.validation import check_watcher

StreamConfigs = tuple[StreamConfig | None, StreamConfig | None]


class _Wiring(Struct, frozen=True):
    """What a route is made of: its configuration, its lanes, and the keys of those that it holds in the pool."""

    configs: StreamConfigs
    lanes: Lanes
    keys: tuple[Key, ...]


class Switchboard:
    """The first route of a watcher stands until the watcher is gone. Processes that are spawned with other stream
    options, as the new generation of a reload is, get one beside it, which ends with the last of them: whether the
    reload goes through or not, nobody else's output moves before `configure` says so.

    `defaults` take what no option sends elsewhere. `make_route` is called with watcher, lanes, whether the route
    passes, and what to call when it is no longer used. `on_opened` sees each new lane.
    """

    def __init__(
        self,
        *,
        defaults: Lanes,
        console: Console,
        on_opened: Callable[[Lane], None],
        make_route: Callable[[str, Lanes, bool, Callable[[Route], None]], Route],
    ) -> None:
        self._defaults = defaults
        self._console = console
        self._make_route = make_route
        self._pool = LanePool(on_opened)
        # Of each watcher that isn't gone, the standing route first.
        self._routes: dict[str, list[Route]] = {}
        self._wirings: dict[Route, _Wiring] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The watchers that have a route and are not gone."""
        return tuple(self._routes)

    @property
    def lanes(self) -> Iterable[Lane]:
        """The lanes that are in use, but for the defaults."""
        return self._pool.lanes

    def reopen(self) -> None:
        """Open anew the sinks of lanes that rest."""
        self._pool.reopen()

    def configs_of(self, route: Route) -> StreamConfigs:
        """The stream options that a route stands for."""
        return self._wirings[route].configs

    @property
    def closing_lanes(self) -> Iterable[Lane]:
        """The lanes that no one uses and that still write what they have."""
        return self._pool.closing_lanes

    def configure(self, watcher: WatcherConfig) -> None:
        """Send all that the watcher's processes write where this configuration says, from now on.

        Nothing is opened anew where the stream options are the same. Raises ConfigError before anything has changed.
        """
        routes = self._routes.get(watcher.name, ())
        if not routes:
            self._add(watcher, is_passing=False)
            return
        configs = _configs_of(watcher)
        others = [route for route in routes if self._wirings[route].configs != configs]
        if not others:
            return
        _check(watcher)
        # Once it is open it cannot fail for the others, which share its lanes.
        self._rewire(others[0], self._wire(watcher))
        for route in others[1:]:
            self._rewire(route, self._wire(watcher))
        self._refit(watcher)

    def route(self, watcher: WatcherConfig) -> Route:
        """Where a process that is about to be spawned writes to; raises ConfigError.

        Hold it: one that passes ends with its last release.
        """
        routes = self._routes.get(watcher.name, ())
        configs = _configs_of(watcher)
        for route in routes:
            if self._wirings[route].configs == configs:
                return route
        return self._add(watcher, is_passing=bool(routes))

    def forget(self, name: str) -> bool:
        """The watcher is gone: its sinks close once its last process is silent. False where there was none."""
        routes = self._routes.pop(name, [])
        for route in routes:
            route.retire()
        return bool(routes)

    # -- routes and what they are made of ----------------------------------------------------------------------------

    def _add(self, watcher: WatcherConfig, *, is_passing: bool) -> Route:
        _check(watcher)
        wiring = self._wire(watcher)
        route = self._make_route(watcher.name, wiring.lanes, is_passing, self._drop)
        self._wirings[route] = wiring
        self._routes.setdefault(watcher.name, []).append(route)
        return route

    def _rewire(self, route: Route, wiring: _Wiring) -> None:
        old, self._wirings[route] = self._wirings[route], wiring
        route.lanes = dict(wiring.lanes)
        self._release(old)

    def _drop(self, route: Route) -> None:
        self._release(self._wirings.pop(route))
        routes = self._routes.get(route.watcher, [])
        if route in routes:
            routes.remove(route)

    def _wire(self, watcher: WatcherConfig) -> _Wiring:
        configs = _configs_of(watcher)
        lanes: dict[StreamName, Lane | None] = dict(self._defaults)
        keys: list[Key] = []
        try:
            for stream, config in zip(STREAM_NAMES, configs, strict=True):
                if config is not None:
                    keys.append(self._acquire(watcher, stream, config))
                    lanes[stream] = self._pool.lane(keys[-1])
        except BaseException:
            self._release(_Wiring(configs, lanes, tuple(keys)))
            raise
        return _Wiring(configs, lanes, tuple(keys))

    def _acquire(self, watcher: WatcherConfig, stream: StreamName, config: StreamConfig) -> Key:
        try:
            return self._pool.acquire(config, self._place(watcher, stream))
        except ConfigError as error:
            raise located(error, f"watcher:{watcher.name}", f"{stream}_stream", watcher.where) from error

    def _refit(self, watcher: WatcherConfig) -> None:
        for stream, config in zip(STREAM_NAMES, _configs_of(watcher), strict=True):
            if config is not None:
                self._pool.refit(config, self._place(watcher, stream))

    def _place(self, watcher: WatcherConfig, stream: StreamName) -> Place:
        return Place(watcher.name, stream, self._console)

    def _release(self, wiring: _Wiring) -> None:
        for key in wiring.keys:
            self._pool.release(key)


def _configs_of(watcher: WatcherConfig) -> StreamConfigs:
    return watcher.stdout_stream, watcher.stderr_stream


def _check(watcher: WatcherConfig) -> None:
    problems = check_watcher(watcher, refuses_unknown=False)
    if problems:
        raise ConfigError(problems)
