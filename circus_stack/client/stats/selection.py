"""What a subscriber wants to hear of: all, one watcher, one process, one socket. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from circus_stack.client.stats.reading import record_of
from circus_stack.client.stats.records import ProcessStats, Record, SocketStats, WatcherStats
from circus_stack.protocol.topics import SOCKETS, STACK_TOPIC, STATS, process_topic, stat_word, watcher_topic


class Selection(Struct, frozen=True, kw_only=True):
    """Without a word, everything. A `watcher` has its processes in it; with `pid` there is that process alone, of that
    watcher or of whichever. A `socket` is meant by its name, or by its number as Circus has it. Raises ValueError for
    a socket together with one of the others."""

    watcher: str | None = None
    pid: int | None = None
    socket: str | None = None

    def __post_init__(self) -> None:
        if self.socket is not None and (self.watcher is not None or self.pid is not None):
            raise ValueError("a socket belongs to no watcher: name the one or the other")

    def topics(self) -> tuple[str, ...]:
        """What to subscribe to: the beginnings of topics, so that something more may come than is wanted."""
        if self.socket is not None:
            return (f"{STATS}.{SOCKETS}.",)
        if self.watcher is not None:
            return (watcher_topic(self.watcher) if self.pid is None else process_topic(self.watcher, self.pid),)
        return (f"{STATS}.", STACK_TOPIC) if self.pid is None else (f"{STATS}.",)

    def record_of(self, topic: str, fields: Mapping[str, Any]) -> Record | None:
        """What was published, read; None for what is not wanted."""
        record = record_of(topic, fields)
        return record if record is not None and self.takes(record) else None

    def takes(self, record: Record) -> bool:
        """Whether a record that came is wanted."""
        if self.socket is not None:
            return isinstance(record, SocketStats) and self.socket in (record.name, str(record.fd))
        if self.pid is not None and not (isinstance(record, ProcessStats) and record.pid == self.pid):
            return False
        if self.watcher is None:
            return True
        return isinstance(record, ProcessStats | WatcherStats) and record.watcher in (
            self.watcher,
            stat_word(self.watcher),
        )
