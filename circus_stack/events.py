"""What happened, in the past tense: frozen values that never hold a live object.

`topic` is the last part of the wire's `watcher.NAME.TOPIC`; Circus's own are add, remove, start, stop, reload, updated,
spawn, kill, reap, hook_success and hook_failure. Times are seconds since the
epoch, exit codes are Circus's: the status of exit(), or minus the number of the signal. JSON is made in `protocol`.
"""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True):
    """Base of all events of a watcher."""

    topic: ClassVar[str]
    watcher: str
    time: float


class WatcherAdded(Event, frozen=True, kw_only=True):
    """A watcher was declared."""

    topic: ClassVar[str] = "add"


class WatcherRemoved(Event, frozen=True, kw_only=True):
    """A watcher is out of sight; its processes, unless they are to live on, end after it."""

    topic: ClassVar[str] = "remove"


class WatcherStarted(Event, frozen=True, kw_only=True):
    """All processes of a watcher came up."""

    topic: ClassVar[str] = "start"


class WatcherStopped(Event, frozen=True, kw_only=True):
    """The last process of a watcher that was to stop is gone."""

    topic: ClassVar[str] = "stop"


class WatcherReloaded(Event, frozen=True, kw_only=True):
    """New processes took over from the old ones."""

    topic: ClassVar[str] = "reload"


class WatcherUpdated(Event, frozen=True, kw_only=True):
    """The configuration of a watcher changed."""

    topic: ClassVar[str] = "updated"


class WatcherScaled(Event, frozen=True, kw_only=True):
    """A watcher is to have `new` processes in place of `old`, for a reason that was given; `automatic`: the autoscaler
    has decided so. `dry_run`: it would have, and nothing changes."""

    topic: ClassVar[str] = "scaled"
    old: int
    new: int
    reason: str
    automatic: bool
    dry_run: bool


class ScalingHeld(Event, frozen=True, kw_only=True):
    """Somebody gave a watcher a number of processes beyond its range: the autoscaler leaves it alone."""

    topic: ClassVar[str] = "scaling_held"
    reason: str


class ScalingResumed(Event, frozen=True, kw_only=True):
    """The number of processes is within the watcher's range again: the autoscaler goes on."""

    topic: ClassVar[str] = "scaling_resumed"
    reason: str


class ReloadFailed(Event, frozen=True, kw_only=True):
    """The new processes did not become ready; the old ones serve on."""

    topic: ClassVar[str] = "reload_failed"
    reason: str


class WatcherFailed(Event, frozen=True, kw_only=True):
    """A watcher was given up: its processes failed too often in too short a time."""

    topic: ClassVar[str] = "failed"
    reason: str


class WatcherWaiting(Event, frozen=True, kw_only=True):
    """The start of a watcher waits for one that it depends on, and that will not come by itself."""

    topic: ClassVar[str] = "waiting"
    reason: str


class WatcherDegraded(Event, frozen=True, kw_only=True):
    """A watcher runs, and what it depends on is not there to be used; told again where something else is wrong."""

    topic: ClassVar[str] = "degraded"
    reason: str


class WatcherRecovered(Event, frozen=True, kw_only=True):
    """A degraded watcher has again all that it depends on."""

    topic: ClassVar[str] = "recovered"
    reason: str


class RunCompleted(Event, frozen=True, kw_only=True):
    """All processes of a watcher that runs once have ended with status 0, `duration_s` seconds after its start."""

    topic: ClassVar[str] = "completed"
    exit_code: int | None
    duration_s: float


class RunFailed(Event, frozen=True, kw_only=True):
    """A run has failed and is not tried again. `exit_code` is None where no process has ended, or nobody knows how."""

    topic: ClassVar[str] = "run_failed"
    exit_code: int | None
    duration_s: float


class RunUnseen(Event, frozen=True, kw_only=True):
    """A process that runs to its end has ended, and nobody knows how: the arbiter that had started it was killed.
    `again`: it is run once more."""

    topic: ClassVar[str] = "run_unseen"
    wid: int
    again: bool


class RunSkipped(Event, frozen=True, kw_only=True):
    """A scheduled run that was due at `due`, seconds since the epoch, does not take place."""

    topic: ClassVar[str] = "run_skipped"
    due: float
    reason: str


class RunTimedOut(Event, frozen=True, kw_only=True):
    """A process ran longer than `max_runtime`, `timeout_s` seconds; it is asked to go and counts as failed."""

    topic: ClassVar[str] = "run_timeout"
    process_pid: int
    timeout_s: float


class RespawnDelayed(Event, frozen=True, kw_only=True):
    """A process failed before it ran well: its successor waits for `delay_s` seconds."""

    topic: ClassVar[str] = "backoff"
    delay_s: float
    failures: int


class WatcherFlapping(Event, frozen=True, kw_only=True):
    """A slot of the watcher failed `failures` times in a row: told once, until all its slots run well again."""

    topic: ClassVar[str] = "flapping"
    failures: int
    delay_s: float


class ReloadProgressed(Event, frozen=True, kw_only=True):
    """`done` of `total` processes are through a phase of a reload: "starting" the new ones or "retiring" the old ones,
    "replacing" where one goes after the other."""

    topic: ClassVar[str] = "reload_progress"
    done: int
    total: int
    phase: str


class SpawnFailed(Event, frozen=True, kw_only=True):
    """A command could not be executed at all."""

    topic: ClassVar[str] = "spawn_failed"
    reason: str


class ProcessSpawned(Event, frozen=True, kw_only=True):
    """A process was started in slot `wid`."""

    topic: ClassVar[str] = "spawn"
    process_pid: int
    wid: int


class ProcessAdopted(Event, frozen=True, kw_only=True):
    """A process of an arbiter that was killed is ours from here on; it has run all the time."""

    topic: ClassVar[str] = "adopt"
    process_pid: int
    wid: int


class ProcessReady(Event, frozen=True, kw_only=True):
    """A process said that it serves, or its probe did; `after_s` seconds after its spawn."""

    topic: ClassVar[str] = "ready"
    process_pid: int
    wid: int
    after_s: float


class ProcessUnready(Event, frozen=True, kw_only=True):
    """A process that served says that it doesn't for now, or ended although nobody had asked it to."""

    topic: ClassVar[str] = "unready"
    process_pid: int
    reason: str


class HealthLost(Event, frozen=True, kw_only=True):
    """So many health probes in a row have failed that the process, or each of the watcher's where it is None, is
    replaced; `reason` is what was wrong with the last one."""

    topic: ClassVar[str] = "unhealthy"
    process_pid: int | None
    failures: int
    reason: str


class HealthRegained(Event, frozen=True, kw_only=True):
    """All that is probed answers again; the process is the one that was asked last, None for the whole watcher."""

    topic: ClassVar[str] = "healthy"
    process_pid: int | None


class ReadyTimedOut(Event, frozen=True, kw_only=True):
    """A process wasn't ready within the time it had; it is asked to go and counts as failed."""

    topic: ClassVar[str] = "ready_timeout"
    process_pid: int
    timeout_s: float


class ProcessHung(Event, frozen=True, kw_only=True):
    """The loop of a worker has not turned for `hang_timeout` seconds: its threads are shown on its stderr, then it is
    ended, and counts as failed."""

    topic: ClassVar[str] = "hung"
    process_pid: int
    wid: int
    timeout_s: float


class ReplacementBegun(Event, frozen=True, kw_only=True):
    """A process is being replaced, its successor first where two may be: because of its "age", its "memory", its
    health, or for the reason that it gave itself."""

    topic: ClassVar[str] = "replace"
    process_pid: int
    wid: int
    reason: str


class MemoryExceeded(Event, frozen=True, kw_only=True):
    """A process with its descendants uses more `bytes` than a `limit` of the watcher: it is to be replaced, or was
    `killed`. `kind` is what was counted, "pss" or "rss"."""

    topic: ClassVar[str] = "memory_exceeded"
    process_pid: int
    wid: int
    bytes: int
    kind: str
    limit: int
    killed: bool


class ProcessKilled(Event, frozen=True, kw_only=True):
    """A signal that is to end it was sent to a process."""

    topic: ClassVar[str] = "kill"
    process_pid: int
    signum: int


class ProcessReaped(Event, frozen=True, kw_only=True):
    """A process is gone; `expected`: the arbiter had asked it to go, or it has done what it was to do once. `exit_code`
    is None for one that was adopted after its arbiter was killed: the kernel tells how it ended to its parent alone."""

    topic: ClassVar[str] = "reap"
    process_pid: int
    exit_code: int | None
    expected: bool


class LimitReached(Event, frozen=True, kw_only=True):
    """The kernel has killed process `process_pid`, or one that it had started: the watcher's `option` is `limit`."""

    topic: ClassVar[str] = "limit_reached"
    process_pid: int
    option: str
    limit: str


class OrphansEnded(Event, frozen=True, kw_only=True):
    """What process `process_pid` had left behind was ended: `pids`. Those that are `left` could not be."""

    topic: ClassVar[str] = "orphans_ended"
    process_pid: int
    pids: tuple[int, ...]
    left: tuple[int, ...]


class HookSucceeded(Event, frozen=True, kw_only=True):
    """A hook returned, whatever its answer was."""

    topic: ClassVar[str] = "hook_success"
    name: str


class HookFailed(Event, frozen=True, kw_only=True):
    """A hook raised, could not be called, or did not return in time."""

    topic: ClassVar[str] = "hook_failure"
    name: str
    error: str


class LinesDropped(Event, frozen=True, kw_only=True):
    """`count` lines of a stream, stdout or stderr, were dropped since this was told last: where they were to go failed,
    or took nothing for too long."""

    topic: ClassVar[str] = "lines_dropped"
    stream: str
    count: int
    reason: str


class ConfigApplied(Event, frozen=True, kw_only=True):
    """A configuration that was read again is in force; `watcher` is `circus`, `changes` a line each."""

    topic: ClassVar[str] = "config_applied"
    changes: tuple[str, ...]


class ArbiterUpgraded(Event, frozen=True, kw_only=True):
    """The arbiter goes on with other code, in the same process; `watcher` is `circus`. `processes`: how many it has
    taken over."""

    topic: ClassVar[str] = "upgraded"
    old_version: str
    version: str
    processes: int


class JobFailed(Event, frozen=True, kw_only=True):
    """An operation that somebody asked for did not succeed; `watcher` is `circus` where it was one on all."""

    topic: ClassVar[str] = "job_failed"
    job: str
    command: str
    error: str
