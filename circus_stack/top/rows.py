"""What there is to show: frozen rows of a stack, its watchers, their processes, its sockets. Data only."""

from __future__ import annotations

from dataclasses import dataclass, field

from circus_stack.client.stats.records import NO_FIGURES, Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """One process of a watcher. `wid` is its slot, 0 where the source doesn't say; `age` is seconds."""

    pid: int
    wid: int = 0
    state: str = ""
    age: float | None = None
    command: str = ""
    user: str = ""
    figures: Figures = NO_FIGURES


@dataclass(frozen=True, slots=True, kw_only=True)
class WatcherRow:
    """A watcher and its processes. `wanted` and `restarts` (processes that ended unasked) are None where the source
    doesn't say; `scaled` is the range of one that has one, `2..16`; `detail` is what its state alone doesn't tell;
    `age` is that of its oldest process."""

    name: str
    state: str = ""
    detail: str = ""
    wanted: int | None = None
    scaled: str = ""
    restarts: int | None = None
    age: float | None = None
    figures: Figures = NO_FIGURES
    processes: tuple[ProcessRow, ...] = ()

    @property
    def ready(self) -> int:
        """How many processes are ready."""
        return sum(each.state in ("ready", "") for each in self.processes)


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketRow:
    """A listening socket. `queued` of at most `limit` connections wait to be accepted; `dropped` were turned away since
    its start; `accepted_per_s` is connections a second."""

    name: str
    address: str = ""
    queued: int | None = None
    limit: int | None = None
    dropped: int | None = None
    accepted_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRow:
    """A stack at one moment. `time` and `started` are seconds since the epoch; `trouble` is what keeps us from knowing
    more."""

    name: str
    source: str = ""
    pid: int | None = None
    started: float | None = None
    time: float = 0.0
    figures: Figures = NO_FIGURES
    watchers: tuple[WatcherRow, ...] = ()
    sockets: tuple[SocketRow, ...] = field(default=())
    trouble: str = ""

    @property
    def processes(self) -> int:
        """How many processes there are."""
        return sum(len(each.processes) for each in self.watchers)
