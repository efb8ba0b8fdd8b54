"""What one browser wants to hear, as it says so, and the rooms in which that is told. Pure."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

STATS_ROOM = "stats"
EVENTS_ROOM = "events"

_Name = Annotated[str, Meta(min_length=1, max_length=200)]


class EventsWanted(Struct, forbid_unknown_fields=True):
    """Those after the event with the number `since`, as far as they are remembered, and all that follow."""

    since: int = -1


class LogsChosen(Struct, forbid_unknown_fields=True, frozen=True):
    """The lines of a watcher, a process, a stream; of all where it is not named."""

    watcher: _Name | None = None
    pid: Annotated[int, Meta(gt=0)] | None = None
    stream: Literal["stdout", "stderr"] | None = None

    @property
    def room(self) -> str:
        """Where they are told."""
        return f"logs:{self.stream or ''}:{self.pid or ''}:{(self.watcher or '').lower()}"

    def as_properties(self) -> dict[str, Any]:
        """Those that are named, as the command `logs` takes them."""
        found = {"name": self.watcher, "pid": self.pid, "stream": self.stream}
        return {name: value for name, value in found.items() if value is not None}


class LogsWanted(LogsChosen, forbid_unknown_fields=True, frozen=True):
    """The last `lines` of those chosen, and all that follow."""

    lines: Annotated[int, Meta(ge=0, le=2000)] = 200

    @property
    def chosen(self) -> LogsChosen:
        """Which, however many of those that were."""
        return LogsChosen(self.watcher, self.pid, self.stream)


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
        found |= {self.logs.room} if self.logs is not None else set()
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
