"""The records that a configuration ends in: frozen, compared by value, one declaration an option.

A record's defaults are Circus's. Where our own kind of file has another default (a Paste ini's watchers inherit the
environment), the reader passes it; see DESIGN.md. Nothing here reads, binds or starts.
"""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from circus_stack.config import kinds
from circus_stack.config.circus_schema import CircusConfig
from circus_stack.config.option import Change, composite, option
from circus_stack.config.scale_kinds import CONDITION, SCALE_RANGE
from circus_stack.config.socket_schema import SocketConfig
from circus_stack.config.values import (
    HealthScope,
    HookConfig,
    KillMode,
    Location,
    MemorySize,
    Overlap,
    Readiness,
    ReloadMode,
    StreamConfig,
)
from circus_stack.errors import Problem
from circus_stack.scaling import Condition, ScaleRange, parse_condition

__all__ = [
    "CircusConfig",
    "PluginConfig",
    "ServiceConfig",
    "SocketConfig",
    "SourceKind",
    "StackConfig",
    "WatcherConfig",
    "WebConfig",
]


class SourceKind(StrEnum):
    """What a configuration was read from."""

    PASTE = "paste"
    CIRCUS = "circus"
    APP = "app"


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatcherConfig:
    """One command, N processes: section `[watcher:NAME]`. `env` is what the watcher's own sections set."""

    name: str
    cmd: str = option("", kinds.TEXT, "Command line.")
    args: str = option("", kinds.TEXT, "More arguments, appended to the command.")
    shell: bool = option(False, kinds.BOOL, "Run the command line by /bin/sh -c.")
    shell_args: str = option("", kinds.TEXT, "More arguments for the shell, where shell is set.")
    numprocesses: int = option(
        1,
        kinds.PROCESSES,
        "How many processes; 2..16: 2 to start with, and scale_range.",
        change=Change.SCALE,
    )
    scale_range: ScaleRange | None = option(
        None, SCALE_RANGE, "Between which numbers the autoscaler may choose.", change=Change.APPLY
    )
    scale_up_when: Condition = option(
        parse_condition("busy > 80%"), CONDITION, "When more processes are wanted.", change=Change.APPLY
    )
    scale_down_when: Condition = option(
        parse_condition("busy < 50%"), CONDITION, "When fewer processes are enough.", change=Change.APPLY
    )
    scale_up_cooldown: float = option(
        10.0, kinds.SECONDS, "Seconds after a change until processes are added.", change=Change.APPLY
    )
    scale_down_cooldown: float = option(
        120.0,
        kinds.SECONDS,
        "Seconds after a change, and for which fewer must have been enough, until processes are taken away.",
        change=Change.APPLY,
    )
    scale_step: int = option(1, kinds.BOUND, "How many processes are added or taken away at once.", change=Change.APPLY)
    scale_dry_run: bool = option(False, kinds.BOOL, "The autoscaler only tells what it would do.", change=Change.APPLY)
    singleton: bool = option(False, kinds.BOOL, "At most one process.", change=Change.APPLY)
    working_dir: str | None = option(None, kinds.TEXT, "Directory the command runs in.", aliases=("working_directory",))
    use_sockets: bool = option(False, kinds.BOOL, "Inherit the listening sockets.")
    listen_fds: bool | tuple[str, ...] = option(
        False,
        kinds.OFFER,
        "Offer inherited sockets, all or those named here, as systemd does: LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES.",
    )
    stats_interval: float | None = option(
        None,
        kinds.INTERVAL,
        "Seconds between two samples by circusd-stats; else as the stack.",
        change=Change.APPLY,
    )
    stdin_socket: str | None = option(None, kinds.TEXT, "Name of the socket that becomes stdin, as inetd does it.")
    close_child_stdin: bool = option(True, kinds.BOOL, "stdin is /dev/null; otherwise the arbiter's.")
    close_child_stdout: bool = option(False, kinds.BOOL, "stdout is /dev/null.")
    close_child_stderr: bool = option(False, kinds.BOOL, "stderr is /dev/null.")
    copy_env: bool = option(False, kinds.BOOL, "Inherit the arbiter's environment.")
    copy_path: bool = option(False, kinds.BOOL, "Put the arbiter's sys.path into PYTHONPATH; needs copy_env.")
    virtualenv: str | None = option(
        None, kinds.TEXT, "Virtual environment whose site-packages are put into PYTHONPATH; needs copy_env."
    )
    virtualenv_py_ver: str | None = option(
        None, kinds.TEXT, "Version of the environment's Python, such as 3.11; otherwise found."
    )
    uid: str | None = option(None, kinds.USER, "User (name or number) to run as.", aliases=("user",))
    gid: str | None = option(None, kinds.GROUP, "Group (name or number) to run as.", aliases=("group",))
    priority: int = option(0, kinds.INT, "Watchers of a higher priority start first.", change=Change.APPLY)
    depends_on: tuple[str, ...] = option(
        (), kinds.WORDS, "Watchers that must be ready before this one starts.", change=Change.APPLY
    )
    warmup_delay: float = option(0.0, kinds.SECONDS, "Pause between the starts of two processes.", change=Change.APPLY)
    start_concurrency: int = option(
        0, kinds.COUNT, "How many processes may be between their spawn and ready at once; 0: any.", change=Change.APPLY
    )
    on_demand: bool = option(
        False, kinds.BOOL, "Start with the first activity at one of the watcher's sockets.", change=Change.APPLY
    )
    autostart: bool = option(True, kinds.BOOL, "Start with the arbiter.", change=Change.APPLY)
    oneshot: bool = option(
        False, kinds.BOOL, "The processes run once, to their end; status 0 is success, any other is tried again."
    )
    schedule: str | None = option(
        None, kinds.SCHEDULE, "When the processes run, to their end, as cron writes it: */5 * * * *, or @daily."
    )
    schedule_timezone: str | None = option(
        None, kinds.ZONE, "Time zone of the schedule; the machine's if not set.", change=Change.APPLY
    )
    schedule_overlap: Overlap = option(
        Overlap.SKIP,
        kinds.OVERLAP,
        "What becomes of a run that is due while the one before it has not ended: skip it, or queue one.",
        change=Change.APPLY,
    )
    schedule_jitter: float = option(
        0.0, kinds.SECONDS, "Up to so many seconds later, by chance, each time.", change=Change.APPLY
    )
    schedule_catch_up: bool = option(
        False, kinds.BOOL, "Run once what was missed while nothing could run it.", change=Change.APPLY
    )
    max_runtime: float = option(
        0.0,
        kinds.SECONDS,
        "Seconds after which a process of what runs to its end is stopped, and has failed; 0: never.",
        change=Change.APPLY,
    )
    respawn: bool = option(True, kinds.BOOL, "Replace a process that ended.", change=Change.APPLY)
    exit_codes: tuple[int, ...] = option(
        (),
        kinds.EXIT_CODES,
        "Statuses that are expected: a process that was ready and ends by itself with one of them is not replaced.",
        change=Change.APPLY,
    )
    graceful_timeout: float = option(
        30.0, kinds.SECONDS, "Seconds between the stop signal and SIGKILL.", change=Change.APPLY
    )
    stop_signal: int = option(int(signal.SIGTERM), kinds.SIGNAL, "Signal that asks to stop.", change=Change.APPLY)
    stop_children: bool = option(
        False, kinds.BOOL, "Send the stop signal to the whole process group.", change=Change.APPLY
    )
    kill_mode: KillMode = option(
        KillMode.ALL,
        kinds.KILL_MODE,
        "What ends with a process: all that descends from it, its process group, or itself alone.",
        change=Change.APPLY,
    )
    ready: Readiness = option(
        Readiness(), kinds.READINESS, "How a process shows that it serves.", aliases=("readiness",)
    )
    ready_timeout: float = option(
        60.0, kinds.SECONDS, "Seconds within which a process must be ready.", change=Change.APPLY
    )
    health: Readiness = option(
        Readiness(), kinds.HEALTH, "How the arbiter sees that what serves goes on to.", change=Change.APPLY
    )
    health_scope: HealthScope = option(
        HealthScope.WATCHER,
        kinds.HEALTH_SCOPE,
        "Whom the probe judges, and has replaced: the whole watcher, or each process.",
        change=Change.APPLY,
    )
    health_interval: float = option(10.0, kinds.SECONDS, "Seconds between two probes.", change=Change.APPLY)
    health_timeout: float = option(5.0, kinds.SECONDS, "Seconds that one probe may take.", change=Change.APPLY)
    health_threshold: int = option(
        3, kinds.COUNT, "Probes in a row that must fail until something is replaced.", change=Change.APPLY
    )
    health_start_period: float = option(
        0.0,
        kinds.SECONDS,
        "Seconds from ready on in which a failing probe doesn't count, until the first one succeeds.",
        change=Change.APPLY,
    )
    reload_mode: ReloadMode = option(
        ReloadMode.ROLLING, kinds.RELOAD_MODE, "What a reload does with the processes.", change=Change.APPLY
    )
    send_hup: bool = option(False, kinds.BOOL, "A reload sends SIGHUP, as with reload_mode = hup.", change=Change.APPLY)
    hang_timeout: float = option(
        0.0,
        kinds.SECONDS,
        "Seconds for which the loop of a worker of chaussette may stand still; then its threads are dumped and it is "
        "replaced; 0: any time.",
    )
    max_age: float = option(0.0, kinds.SECONDS, "Seconds after which a process is replaced; 0: never.")
    max_age_variance: float = option(
        30.0, kinds.SECONDS, "Up to so many seconds are added to max_age, for each process another number."
    )
    preload: bool = option(
        False, kinds.BOOL, "Load the application of a chaussette command once, and fork the processes from there."
    )
    max_requests: int = option(
        0, kinds.COUNT, "Requests after which a worker of chaussette asks to be replaced; 0: never."
    )
    max_requests_jitter: int = option(
        0, kinds.COUNT, "Up to so many requests are added to max_requests, for each process another number."
    )
    max_memory: MemorySize | None = option(
        None,
        kinds.MEMORY,
        "Memory, of a process with its descendants, above which it is replaced, its successor first.",
        change=Change.APPLY,
    )
    max_memory_hard: MemorySize | None = option(
        None, kinds.MEMORY, "Memory above which a process is killed at once.", change=Change.APPLY
    )
    memory_max: MemorySize | None = option(
        None,
        kinds.MEMORY,
        "Memory that all processes of the watcher may use together, kept by a control group.",
        change=Change.APPLY,
    )
    cpu_max: float | None = option(
        None,
        kinds.CPU_SHARE,
        "Processors that all processes of the watcher may use together, kept by a control group.",
        change=Change.APPLY,
    )
    pids_max: int = option(
        0,
        kinds.COUNT,
        "Processes and threads that the watcher may have in all, kept by a control group; 0: no limit.",
        change=Change.APPLY,
    )
    max_memory_kind: str = option(
        "pss",
        kinds.MEMORY_KIND,
        "What of shared memory counts: pss, a process's share of it; rss, all of it.",
        change=Change.APPLY,
    )
    max_memory_interval: float = option(
        5.0, kinds.INTERVAL, "Seconds between two looks at the memory, where it has a limit.", change=Change.APPLY
    )
    max_retry: int = option(
        -1, kinds.RETRIES, "Failing spawns in a row that give the watcher up; -1: never.", change=Change.APPLY
    )
    max_failures: int = option(
        0,
        kinds.COUNT,
        "Failures for each process within failure_window that give the watcher up; 0: never.",
        change=Change.APPLY,
    )
    failure_window: float = option(60.0, kinds.SECONDS, "Window of max_failures.", change=Change.APPLY)
    exit_on_failed: bool | None = option(
        None,
        kinds.BOOL,
        "Whether the whole stack ends, with status 3, when this watcher is given up; without it as [circus] says.",
        change=Change.APPLY,
    )
    backoff_initial: float = option(
        0.1,
        kinds.SECONDS,
        "Pause after a slot's second failure in a row; after the first it is tried again at once.",
        change=Change.APPLY,
    )
    backoff_factor: float = option(
        2.0, kinds.FACTOR, "By how much the pause grows with each further failure.", change=Change.APPLY
    )
    backoff_max: float = option(30.0, kinds.SECONDS, "The longest pause.", change=Change.APPLY)
    backoff_jitter: float = option(
        0.1,
        kinds.FRACTION,
        "Part of each pause that chance may take away, so that what failed together doesn't come back together.",
        change=Change.APPLY,
    )
    stdout_stream: StreamConfig | None = composite(
        _nothing, "stdout_stream.*", "Where stdout goes: class, filename and the class's options.", change=Change.APPLY
    )
    stderr_stream: StreamConfig | None = composite(
        _nothing, "stderr_stream.*", "Where stderr goes: class, filename and the class's options.", change=Change.APPLY
    )
    rlimits: Mapping[str, tuple[int, int]] = composite(
        dict,
        "rlimit_*",
        "Resource limit, as in rlimit_nofile: N, or SOFT:HARD; infinity, -1 or nothing: no limit.",
    )
    nice: int | None = option(None, kinds.NICENESS, "Niceness of the processes: 19 lets all others go first.")
    ionice: str | None = option(None, kinds.IO_CLASS, "Class of their input and output, and its level.")
    oom_score_adj: int | None = option(
        None, kinds.OOM_SCORE, "Whom the kernel kills first where no memory is left; 1000 first, -1000 never."
    )
    cpu_affinity: tuple[int, ...] = option((), kinds.CPUS, "Processors that they may run on; all if none is named.")
    hooks: Mapping[str, HookConfig] = composite(
        dict,
        "hooks.*",
        "Hook: dotted name of a callable, and after a comma whether its failure is ignored.",
        change=Change.APPLY,
    )
    hook_timeout: float = option(30.0, kinds.SECONDS, "Seconds after which a hook has failed.", change=Change.APPLY)
    env: Mapping[str, str] = composite(
        dict, "env", "Environment: NAME=VALUE,NAME=VALUE, laid over [env:PATTERN] and [env]."
    )
    env_file: tuple[str, ...] = option(
        (),
        kinds.FILES,
        "Files of NAME=VALUE lines for the environment, read for each process; with - in front one that may lack.",
    )
    env_secrets: Mapping[str, str] = composite(
        dict, "env.*_file", "File whose content is the value of a variable: env.DB_PASSWORD_file = /run/secrets/db."
    )
    extra: Mapping[str, str] = field(default_factory=dict)
    # What env_file and env.*_file held when the configuration was read: a digest, so that a reload sees a change.
    secrets_digest: str = field(default="", repr=False)
    where: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)

    @property
    def has_secrets(self) -> bool:
        """Whether a part of the environment comes from files."""
        return bool(self.env_file or self.env_secrets)

    @property
    def cannot_overlap(self) -> bool:
        """Whether two generations must not run side by side: a singleton that doesn't serve on a socket of the arbiter
        may hold a fixed port, or a lock on its data; what runs once would do its work twice."""
        return self.runs_once or (self.singleton and not self.use_sockets)

    @property
    def most_processes(self) -> int:
        """How many there may be without anybody's word."""
        return self.numprocesses if self.scale_range is None else max(self.numprocesses, self.scale_range.most)

    @property
    def runs_once(self) -> bool:
        """Whether the processes are to end by themselves, and have done their work then."""
        return self.oneshot or self.schedule is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceConfig:
    """A side service: section `[service:NAME]`. `options` is the recipe's own record, `watcher` what the section sets
    of a watcher's options (field name -> value), to be laid over what the recipe chooses."""

    name: str
    kind: str
    options: object
    watcher: Mapping[str, object] = field(default_factory=dict)
    optional: bool = False
    where: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginConfig:
    """A plugin: section `[plugin:NAME]`; `use` is the dotted name of its class, as written. `options` is its own
    configuration, `watcher` what the section sets of a watcher's options (field name -> value)."""

    name: str
    use: str
    options: Mapping[str, str] = field(default_factory=dict)
    watcher: Mapping[str, object] = field(default_factory=dict)
    where: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)


class WebConfig(Struct, frozen=True, kw_only=True):
    """What the server section resolved to; the watcher `web` is made from it. `app` is in chaussette's form."""

    app: str
    backend: str = "wsgiref"
    workers: int = 1
    threads: int | None = None
    preload: bool = False
    watch_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfig:
    """A whole stack, validated. `web` is None for a Circus ini; its watcher stands in `watchers` like any other.

    `files` are the paths of all files whose sections are in it, the main one first, as they were opened.
    """

    source: str
    kind: SourceKind
    circus: CircusConfig
    sockets: tuple[SocketConfig, ...] = ()
    watchers: tuple[WatcherConfig, ...] = ()
    services: tuple[ServiceConfig, ...] = ()
    plugins: tuple[PluginConfig, ...] = ()
    web: WebConfig | None = None
    files: tuple[str, ...] = field(default=(), compare=False)
    warnings: tuple[Problem, ...] = field(default=(), compare=False)

    def with_warnings(self, warnings: tuple[Problem, ...]) -> StackConfig:
        """The same stack with these warnings."""
        return dataclasses.replace(self, warnings=warnings)
