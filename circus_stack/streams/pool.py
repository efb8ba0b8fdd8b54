"""The lanes that configurations ask for: one for each place, however many streams and watchers write to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from circus_stack.config.values import StreamConfig
from circus_stack.errors import ConfigError
from circus_stack.streams.lane import Lane
from circus_stack.streams.place import Place
from circus_stack.streams.registry import DEFAULT_SINK, SinkPlan, plan, shipped_name

log = logging.getLogger(__name__)

Key = tuple[str, ...]


class LanePool:
    """Opens a lane with its first user, closes it with its last. `on_opened` sees each new lane."""

    def __init__(self, on_opened: Callable[[Lane], None]) -> None:
        self._on_opened = on_opened
        self._lanes: dict[Key, Lane] = {}
        self._users: dict[Key, int] = {}
        self._plans: dict[Key, SinkPlan] = {}
        self._places: dict[Key, Place] = {}
        self._closing: dict[Lane, Key] = {}

    @property
    def closing_lanes(self) -> Iterable[Lane]:
        """The lanes that no one uses and that still write what they have."""
        return tuple(self._closing)

    def acquire(self, stream: StreamConfig, place: Place) -> Key:
        """The key of a lane that is held until `release`; raises ConfigError for a configuration that is wrong.

        A lane that is there already stays as it is until `refit`.
        """
        sink_plan = plan(stream)
        key = key_of(sink_plan.name, stream.options, place)
        if key not in self._lanes:
            self._lanes[key] = lane = Lane(
                sink_plan.open(place), name=name_of(sink_plan, place), after=self._closing_lane(key)
            )
            self._plans[key], self._places[key] = sink_plan, place
            self._on_opened(lane)
        self._users[key] = self._users.get(key, 0) + 1
        return key

    def refit(self, stream: StreamConfig, place: Place) -> None:
        """Have a lane that is held follow this configuration: a file that stays may have other options from now on."""
        sink_plan = plan(stream)
        key = key_of(sink_plan.name, stream.options, place)
        if not self._plans[key].is_like(sink_plan):
            self._lanes[key].change_sink(sink_plan.open(place))
            self._plans[key] = sink_plan

    @property
    def lanes(self) -> Iterable[Lane]:
        """All that are in use."""
        return tuple(self._lanes.values())

    def reopen(self) -> None:
        """Open anew the sinks of lanes that rest: they are to write on after all."""
        for key, lane in self._lanes.items():
            try:
                lane.change_sink(self._plans[key].open(self._places[key]))
            except ConfigError as error:
                # The old one is closed. What is ours opens again by itself; a stranger's tells what it drops.
                log.error("%s cannot be opened again: %s", lane.name, error)

    def lane(self, key: Key) -> Lane:
        """The lane of a key that is held."""
        return self._lanes[key]

    def release(self, key: Key) -> None:
        """One user less; the last one closes the lane, after what it has is written."""
        self._users[key] -= 1
        if self._users[key]:
            return
        del self._users[key], self._plans[key], self._places[key]
        lane = self._lanes.pop(key)
        self._closing[lane] = key
        lane.close(lambda: self._closed(lane))

    def _closed(self, lane: Lane) -> None:
        del self._closing[lane]

    def _closing_lane(self, key: Key) -> Lane | None:
        """The newest lane to the same place that has not written everything yet."""
        return next((lane for lane, place in reversed(tuple(self._closing.items())) if place == key), None)


def key_of(name: str, options: Mapping[str, str], place: Place) -> Key:
    """Equal for streams that must share a lane: the same file, since two rotations of one file would lose lines; the
    arbiter's stdout. Any other sink is the stream's own."""
    filename = options.get("filename")
    texts = tuple(f"{key}={value}" for key, value in sorted(options.items()))
    if shipped_name(name) and filename:
        return ("file", str(Path(filename).resolve()))
    if shipped_name(name) == "StdoutStream":
        return ("stdout", *texts)
    return ("own", place.watcher, place.stream, name, *texts)


def name_of(sink_plan: SinkPlan, place: Place) -> str:
    """How messages call the lane."""
    filename = sink_plan.options.get("filename")
    return str(filename) if filename else f"{sink_plan.name or DEFAULT_SINK} of {place.watcher}"
