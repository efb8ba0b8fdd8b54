"""What one browser wants to hear, as it says so, and the rooms in which that is told. Pure."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

STATS_ROOM = "stats"
EVENTS_ROOM = "events"

_Name = Annotated[str, Meta(min_length=1, max_length=200)]


class EventsWanted(Struct, forbid_unknown_fields=True):
    """Those after the event with the number `since`, as far as they are remembered, and all that follow."""

    since: int = -1


class LogsWanted(Struct, forbid_unknown_fields=True):
    """The last `lines` of a watcher, or of all, and all that follow."""

    watcher: _Name | None = None
    lines: Annotated[int, Meta(ge=0, le=2000)] = 200


class Following(Struct, forbid_unknown_fields=True):
    """The whole of what is wanted: it replaces what was followed before. `stats` are the sums of each watcher and the
    sockets, `processes` the watchers whose processes are wanted one by one."""

    stats: bool = False
    processes: Annotated[tuple[_Name, ...], Meta(max_length=20)] = ()
    events: EventsWanted | None = None
    logs: LogsWanted | None = None

    def rooms(self) -> frozenset[str]:
        """Where all of it is told."""
        found = {processes_room(name) for name in self.processes}
        found |= {STATS_ROOM} if self.stats else set()
        found |= {EVENTS_ROOM} if self.events is not None else set()
        found |= {logs_room(self.logs.watcher)} if self.logs is not None else set()
        return frozenset(found)


def read_following(data: Any) -> Following:
    """What a browser has sent; raises ValueError."""
    try:
        return msgspec.convert(data, Following)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def processes_room(watcher: str) -> str:
    """Where the processes of a watcher are told."""
    return f"processes:{watcher.lower()}"


def logs_room(watcher: str | None) -> str:
    """Where the lines of a watcher are told, or those of all."""
    return f"logs:{'' if watcher is None else watcher.lower()}"
