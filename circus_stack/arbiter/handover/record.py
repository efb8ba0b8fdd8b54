"""What one arbiter hands to the next: frozen values, one field a noun. Nothing here acts, reads or opens anything.

Each noun has `state()`, which gives its record, and `restore(record)`, which takes it: `Backoff`, `Watcher`,
`JobBook`, `Lanes`; `Keeper` and `Arbiter` by `arbiter.handover.keeping` and `arbiter.handover.restoring`, sockets by
`arbiter.sockets`. What streams and control hand over stands in `streams.record` and in
`daemon.handover.record`, which puts all of it together and makes bytes of it.

Who begins from a record:

    sockets = restore_sockets(record.sockets)             # arbiter.sockets
    streams.restore(configs, streams_record)              # pipes are read from the loop's next turn on
    arbiter = Arbiter(record.declared, sockets, means, resumed=record)
    await arbiter.run()                                   # fills what is missing; starts and announces nothing anew

Descriptors are numbers of the process that restores: whoever got them by another way (pidfd_getfd, SCM_RIGHTS) puts
their new numbers into the record first (`dataclasses.replace`).

Times named `..._at` are seconds of CLOCK_MONOTONIC, which is the machine's and goes on over an exec and a crash, unless
they say epoch. Fields may come and may go: what is unknown is left aside, what is missing has its default. Where that
is not enough, `daemon.handover.record.FORMAT` grows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from circus_stack.arbiter.condition import GivenUp, LastEnd
from circus_stack.arbiter.control_groups import ControlGroupsRecord
from circus_stack.arbiter.jobs import Job
from circus_stack.arbiter.patient import HealthRecord
from circus_stack.arbiter.posts import Post
from circus_stack.arbiter.runs import RunsRecord
from circus_stack.config.schema import SocketConfig, StackConfig, WatcherConfig
from circus_stack.states import ProcessState, WatcherState


class ProcessRecord(Struct, frozen=True, kw_only=True):
    """One child. `started_at` is seconds since the epoch; `kill_at`: when SIGKILL follows, `ready_by`: when it counts
    as failed unless it is ready; None: never."""

    pid: int
    wid: int
    generation: int
    spawned_at: float
    started_at: float
    state: ProcessState
    ready_at: float | None = None
    lane: int = 0
    token: str = ""
    expires_at: float | None = None
    outlived: str = ""
    is_lingering: bool = False
    post: Post | None = None
    kill_at: float | None = None
    ready_by: float | None = None
    # What it used when that was looked at last.
    memory: int | None = None
    memory_kind: str = ""


class BackoffRecord(Struct, frozen=True, kw_only=True):
    """Failures: in a row by slot, and when those of the last while were."""

    in_a_row: Mapping[int, int] = field(default_factory=dict)
    recent_at: tuple[float, ...] = ()


class PaceRecord(Struct, frozen=True, kw_only=True):
    """What holds up the next spawns: `not_before` by slot."""

    backoff: BackoffRecord = BackoffRecord()
    failed_spawns: int = 0
    not_before: Mapping[int, float] = field(default_factory=dict)
    next_spawn_at: float = 0.0


class WatcherRecord(Struct, frozen=True, kw_only=True):
    """One watcher with the configuration that it runs with. `waits_for_activity`: it starts on demand and is to wait at
    its sockets whenever it comes down by itself; `is_armed`: it waits there now."""

    config: WatcherConfig
    state: WatcherState
    wanted: int
    generation: int = 1
    newest_generation: int = 1
    processes: tuple[ProcessRecord, ...] = ()
    done: int = 0
    done_slots: tuple[int, ...] = ()
    runs: RunsRecord = RunsRecord()
    superseded: int | None = None
    pace: PaceRecord = PaceRecord()
    failures: int = 0
    refusal: str | None = None
    given_up: GivenUp | None = None
    last_end: LastEnd | None = None
    waits_for_activity: bool = False
    is_armed: bool = False
    # It waits for its due times; up to which it was attended to stands in the state directory.
    is_scheduled: bool = False
    no_replacement_before: float = 0.0
    health: HealthRecord = HealthRecord()


class LaneRecord(Struct, frozen=True, kw_only=True):
    """The so_reuseport socket of one place in one watcher."""

    watcher: str
    lane: int
    fd: int


class LanesRecord(Struct, frozen=True, kw_only=True):
    """All sockets of one so_reuseport declaration: `group` in the kernel's order, the first of the declaration among
    them; `chosen`: among how many of them it chooses."""

    group: tuple[int, ...]
    lanes: tuple[LaneRecord, ...] = ()
    wanted: Mapping[str, int] = field(default_factory=dict)
    chosen: int = 0


class SocketRecord(Struct, frozen=True, kw_only=True):
    """One bound socket. `is_given`: a supervisor opened it."""

    config: SocketConfig
    fd: int
    is_given: bool = False
    lanes: LanesRecord | None = None

    def fds(self) -> Iterator[int]:
        """Its descriptors."""
        yield self.fd
        if self.lanes is not None:
            yield from (fd for fd in self.lanes.group if fd != self.fd)


class JobsRecord(Struct, frozen=True, kw_only=True):
    """`jobs` have ended, but for those that the next arbiter is to end: `JobBook.restore` says how."""

    last_id: int = 0
    jobs: tuple[Job, ...] = ()


class ArbiterRecord(Struct, frozen=True, kw_only=True):
    """A whole arbiter. `declared` is what the file said when it was read last; `released` are processes that were let
    go and must not be swept away at the end, nor what those with `spared_tokens` have left behind."""

    declared: StackConfig
    watchers: tuple[WatcherRecord, ...] = ()
    sockets: tuple[SocketRecord, ...] = ()
    jobs: JobsRecord = JobsRecord()
    released: tuple[int, ...] = ()
    spared_tokens: tuple[str, ...] = ()
    control_groups: ControlGroupsRecord = ControlGroupsRecord()

    def fds(self) -> Iterator[int]:
        """The descriptors of its sockets."""
        for each in self.sockets:
            yield from each.fds()

    def pids(self) -> Iterator[int]:
        """All children that are watched."""
        for watcher in self.watchers:
            yield from (process.pid for process in watcher.processes)
