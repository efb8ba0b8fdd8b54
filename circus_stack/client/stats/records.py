"""What there is to know of processes, watchers, sockets and the stack: frozen records. Data only.

None is what nobody knows, or what doesn't apply.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field


class Figures(Struct, frozen=True, kw_only=True):
    """What one process, one watcher or a whole stack uses and serves; descendants are in the figures of a process.

    `cpu` is percent of one core. Bytes are `rss` (what is shared counted in full), `pss` (counted by its part), `uss`
    (not counted), `shared`, `vms`, and `read_bytes` and `written_bytes` of the disk. `files` are open descriptors;
    `voluntary_switches` those in which it had to wait, `involuntary_switches` those in which it was made to. What a
    control group of its own uses, may use, and the seconds for which it was held back, are `group_memory`,
    `group_memory_limit` and `group_throttled`. `pss`, `uss`, and what stands from `files` to there may be a minute
    old. `rps` are requests a second, `in_flight` requests under way, `busy` the workers that have one; `p50`, `p95`
    and `p99` are seconds.
    """

    cpu: float | None = None
    rss: int | None = None
    pss: int | None = None
    uss: int | None = None
    shared: int | None = None
    vms: int | None = None
    threads: int | None = None
    files: int | None = None
    voluntary_switches: int | None = None
    involuntary_switches: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    group_memory: int | None = None
    group_memory_limit: int | None = None
    group_throttled: float | None = None
    rps: float | None = None
    busy: int | None = None
    in_flight: int | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


NO_FIGURES = Figures()


class ProcessStats(Struct, frozen=True, kw_only=True):
    """One process. `watcher` is the watcher's name; in a published record, as it stands in topics: lower case, `_` for
    a blank, `-` for a dot. `role` says which of the arbiter's own it is (`circusd`, `circusd-stats`), empty for
    others. `created` and `time` are seconds since the epoch, `age` is seconds. `statuses` counts the requests that
    ended since the sample before, by class."""

    watcher: str
    pid: int
    role: str = ""
    user: str = ""
    command: str = ""
    created: float | None = None
    age: float | None = None
    time: float | None = None
    family: tuple[int, ...] = ()
    statuses: Mapping[str, int] = field(default_factory=dict)
    figures: Figures = NO_FIGURES


class WatcherStats(Struct, frozen=True, kw_only=True):
    """The sums of one watcher, its name as in `ProcessStats`. `age` is that of its oldest process; `restarts` are ends
    that nobody had asked for, `interval` seconds between samples: both stand in snapshots alone."""

    watcher: str
    pids: tuple[int, ...] = ()
    age: float | None = None
    time: float | None = None
    interval: float | None = None
    restarts: int | None = None
    figures: Figures = NO_FIGURES


class StackStats(Struct, frozen=True, kw_only=True):
    """The sums over all watchers; `time` is seconds since the epoch, `total_memory` the machine's, in bytes."""

    processes: int = 0
    total_memory: int | None = None
    time: float | None = None
    figures: Figures = NO_FIGURES


class SocketStats(Struct, frozen=True, kw_only=True):
    """One listening socket. `queued` of at most `limit` connections wait to be accepted; `dropped` were turned away
    since its start; `accepted_per_s` is connections a second."""

    name: str
    fd: int | None = None
    address: str = ""
    queued: int | None = None
    limit: int | None = None
    dropped: int | None = None
    accepted_per_s: float | None = None


Record = ProcessStats | WatcherStats | StackStats | SocketStats
"""What a subscription hands out."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """The newest of everything, by the names that the watchers truly have. `latest_s` is how late the latest round of
    samples ever began, `ticks` how many there were."""

    stack: StackStats
    watchers: Mapping[str, WatcherStats]
    processes: Mapping[int, ProcessStats]
    sockets: tuple[SocketStats, ...] = ()
    ticks: int = 0
    latest_s: float = 0.0


class History(Struct, frozen=True, kw_only=True):
    """What is remembered of one series: `watcher` is empty for the stack, `pid` is that of a process. Each of `columns`
    has a value for each of `times` (seconds since the epoch, the oldest first), `step` seconds apart where nothing is
    missing."""

    watcher: str
    pid: int | None = None
    step: int
    times: tuple[int, ...]
    columns: Mapping[str, tuple[float | None, ...]]
