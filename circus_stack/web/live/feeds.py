"""What is told live, each kind from one subscription: figures at each tick, events as they happen, lines by the tenth
of a second. A feed runs while somebody is in its room; the events go on, as who comes later wants to know of them."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import structs

from circus_stack.client.loglines import LogJoin
from circus_stack.client.stats.records import Figures, Snapshot
from circus_stack.errors import CallError, CircusStackError
from circus_stack.protocol.topics import EVENTS, STACK_TOPIC, log_prefix
from circus_stack.web.live.following import EVENTS_ROOM, STATS_ROOM, logs_room, processes_room
from circus_stack.web.live.log_batch import LogBatch
from circus_stack.web.live.source import Source
from circus_stack.web.stack.stack import Stack

log = logging.getLogger(__name__)

Emit = Callable[[str, Any, str], None]
"""(name of the message, what it says, room)"""

# Events that are remembered for who comes later.
KEPT_EVENTS = 1000
_BATCH_S = 0.1


class EventFeed:
    """`kept` are the last events, the oldest first."""

    def __init__(self, stack: Stack, emit: Emit, on_state: Callable[[bool], None]) -> None:
        self._emit = emit
        self.kept: deque[dict[str, Any]] = deque(maxlen=KEPT_EVENTS)
        self.source = Source(
            lambda: stack.seen_from_here("pubsub_endpoint"),
            (f"{EVENTS}.",),
            stack.credentials,
            handle=self._handle,
            on_state=on_state,
        )

    def since(self, seq: int) -> list[dict[str, Any]]:
        """What is remembered of those after a number."""
        return [each for each in self.kept if each.get("seq", 0) > seq]

    def _handle(self, topic: str, fields: Mapping[str, Any]) -> None:
        event = {**fields, "topic": topic.rpartition(".")[2]}
        if event["topic"] == "upgraded" or event.get("seq", 0) < (self.kept[-1].get("seq", 0) if self.kept else 0):
            # Another arbiter counts anew.
            self.kept.clear()
        self.kept.append(event)
        self._emit("event", event, EVENTS_ROOM)


class StatsFeed:
    """`wanted` names the watchers whose processes are told one by one."""

    def __init__(
        self, stack: Stack, emit: Emit, on_state: Callable[[bool], None], wanted: Callable[[], frozenset[str]]
    ) -> None:
        self._stack = stack
        self._emit = emit
        self._wanted = wanted
        # The sum of the stack is the last thing that a tick tells: then all the rest can be asked for at once.
        self.source = Source(
            lambda: stack.seen_from_here("stats_endpoint"),
            (STACK_TOPIC,),
            stack.credentials,
            handle=self._handle,
            on_state=on_state,
        )

    def _handle(self, _topic: str, _fields: Mapping[str, Any]) -> None:
        try:
            self.tell(self._stack.snapshot())
        except CallError as error:
            log.debug("no snapshot: %s", error)

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
    """The lines of one watcher, or of all."""

    def __init__(self, stack: Stack, emit: Emit, watcher: str | None) -> None:
        self._emit = emit
        self._room = logs_room(watcher)
        self._join = LogJoin(watcher)
        self._batch = LogBatch()
        self._sent = 0.0
        self.source = Source(
            lambda: stack.seen_from_here("logs_endpoint"),
            (log_prefix(watcher),),
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
