"""What is told live, each kind from one subscription: figures at each tick, events as they happen, lines by the tenth
of a second. A feed runs while somebody is in its room; the events go on, as who comes later wants to know of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from circus_stack.client.loglines import LogJoin
from circus_stack.client.stats.records import Figures, Snapshot
from circus_stack.errors import CircusStackError
from circus_stack.protocol.topics import EVENTS, STACK_TOPIC, log_prefix
from circus_stack.web.live.following import EVENTS_ROOM, STATS_ROOM, LogsChosen, processes_room
from circus_stack.web.live.heard import HeardEvents
from circus_stack.web.live.log_batch import LogBatch
from circus_stack.web.live.source import Source
from circus_stack.web.stack.stack import Stack

log = logging.getLogger(__name__)

Emit = Callable[[str, Any, str], None]
"""(name of the message, what it says, room)"""

State = Callable[[str], None]
"""Told of its publisher: `up`, `late` (it says nothing although it should) or `lost`."""

_BATCH_S = 0.1
# Ticks that are missing before the figures are old.
_LATE_TICKS = 3
# How long one is where nobody says otherwise.
_TICK_S = 1.0


class EventFeed:
    """`heard` remembers them."""

    def __init__(self, stack: Stack, emit: Emit, on_state: State) -> None:
        self._emit = emit
        self.heard = HeardEvents()
        self.source = Source(
            lambda: stack.seen_from_here("pubsub_endpoint"),
            (f"{EVENTS}.",),
            stack.credentials,
            handle=self._handle,
            on_state=lambda is_up: on_state("up" if is_up else "lost"),
            on_joined=self.heard.joined,
        )

    def _handle(self, topic: str, fields: Mapping[str, Any]) -> None:
        event = {**fields, "topic": topic.rpartition(".")[2]}
        self.heard.add(event)
        self._emit("event", event, EVENTS_ROOM)


class StatsFeed:
    """`wanted` names the watchers whose processes are told one by one."""

    def __init__(
        self,
        stack: Stack,
        emit: Emit,
        on_state: State,
        wanted: Callable[[], frozenset[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stack = stack
        self._emit = emit
        self._on_state = on_state
        self._wanted = wanted
        self._clock = clock
        # When the last tick was told, and how long after it the next should be.
        self._told, self._limit_s = clock(), _LATE_TICKS * _TICK_S
        self._is_late = False
        # The sum of the stack is the last thing that a tick tells: then all the rest can be asked for at once.
        self.source = Source(
            lambda: stack.seen_from_here("stats_endpoint"),
            (STACK_TOPIC,),
            stack.credentials,
            handle=self._handle,
            on_state=self._changed,
            idle=self._look_at_clock,
        )

    def _changed(self, is_up: bool) -> None:
        self._told, self._is_late = self._clock(), False
        self._on_state("up" if is_up else "lost")

    def _look_at_clock(self) -> None:
        is_late = self._clock() - self._told > self._limit_s
        if is_late is not self._is_late:
            self._is_late = is_late
            self._on_state("late" if is_late else "up")

    def _handle(self, _topic: str, _fields: Mapping[str, Any]) -> None:
        try:
            found = self._stack.snapshot()
        except CircusStackError as error:
            log.debug("no snapshot: %s", error)
            return
        self._told = self._clock()
        self._limit_s = _LATE_TICKS * max(
            (each.interval or _TICK_S for each in found.watchers.values()), default=_TICK_S
        )
        self.tell(found)

    def tell(self, found: Snapshot) -> None:
        """Tell one tick."""
        watchers = {
            name: {**_figures(each.figures), "processes": len(each.pids), "restarts": each.restarts}
            for name, each in found.watchers.items()
        }
        whole = {
            "time": found.stack.time,
            "stack": {**_figures(found.stack.figures), "processes": found.stack.processes},
            "watchers": watchers,
            "sockets": found.sockets,
        }
        self._emit("stats", whole, STATS_ROOM)
        for name in self._wanted():
            pids = next((each.pids for known, each in found.watchers.items() if known.lower() == name), ())
            processes = {
                str(pid): {**_figures(found.processes[pid].figures), "age": found.processes[pid].age}
                for pid in pids
                if pid in found.processes
            }
            told = {"time": found.stack.time, "watcher": name, "processes": processes}
            self._emit("processes", told, processes_room(name))


class LogFeed:
    """The lines of one watcher or process, or of all."""

    def __init__(self, stack: Stack, emit: Emit, chosen: LogsChosen) -> None:
        self._emit = emit
        self._room = chosen.room
        self._join = LogJoin(chosen.watcher, chosen.pid, chosen.stream)
        self._batch = LogBatch()
        self._sent = 0.0
        self.source = Source(
            lambda: stack.seen_from_here("logs_endpoint"),
            (log_prefix(chosen.watcher, chosen.pid),),
            stack.credentials,
            handle=self._handle,
            idle=self._flush,
            slice_s=_BATCH_S,
        )

    def _handle(self, _topic: str, batch: Mapping[str, Any]) -> None:
        for record in self._join.follow(batch):
            self._batch.add(record)

    def _flush(self) -> None:
        now = time.monotonic()
        if self._batch and now - self._sent >= _BATCH_S:
            self._sent = now
            self._emit("logs", self._batch.take(), self._room)


def _figures(figures: Figures) -> dict[str, Any]:
    return structs.asdict(figures)


def first_snapshot(stack: Stack) -> Snapshot | None:
    """What the last tick found, for who has just come; None where nobody counts."""
    try:
        return stack.snapshot()
    except CircusStackError:
        return None
