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

from circus_stack.config import kinds
from circus_stack.config.option import Change, composite, option
from circus_stack.config.values import Location, Readiness, ReloadMode, StreamConfig
from circus_stack.errors import Problem


class SourceKind(StrEnum):
    """What a configuration was read from."""

    PASTE = "paste"
    CIRCUS = "circus"
    APP = "app"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircusConfig:
    """The arbiter's own options: section `[circus]`."""

    name: str = option("", kinds.TEXT, "Name of the stack, as clients list it.", change=Change.RESTART)
    endpoint: str = option("", kinds.TEXT, "Address of the command endpoint.", change=Change.RESTART)
    pubsub_endpoint: str = option("", kinds.TEXT, "Address of the event endpoint.", change=Change.RESTART)
    logs_endpoint: str = option("", kinds.TEXT, "Address of the log endpoint.", change=Change.RESTART)
    stats_endpoint: str = option("", kinds.TEXT, "Address of the statistics endpoint.", change=Change.RESTART)
    statsd: bool = option(False, kinds.BOOL, "Run circusd-stats.", change=Change.RESTART)
    httpd: bool = option(False, kinds.BOOL, "Run the web console.", change=Change.RESTART)
    httpd_host: str = option("localhost", kinds.TEXT, "Host of the web console.", change=Change.RESTART)
    httpd_port: int = option(8080, kinds.PORT, "Port of the web console.", change=Change.RESTART)
    check_delay: float = option(
        5.0, kinds.SECONDS, "Seconds between two safety sweeps; exits are seen at once without it.", change=Change.APPLY
    )
    warmup_delay: float = option(0.0, kinds.SECONDS, "Pause between the starts of two watchers.", change=Change.APPLY)
    umask: int | None = option(None, kinds.OCTAL, "File mode mask of the arbiter.", change=Change.RESTART)
    pidfile: str | None = option(None, kinds.TEXT, "File that holds the arbiter's pid.", change=Change.RESTART)
    loglevel: str = option(
        "info", kinds.choice("debug", "info", "warning", "error", "critical"), "Log level.", change=Change.RESTART
    )
    logoutput: str = option("-", kinds.TEXT, "Log file; - is stderr.", change=Change.RESTART)
    runtime_dir: str | None = option(
        None, kinds.TEXT, "Directory of sockets and lock, mode 0700.", change=Change.RESTART
    )
    state_dir: str | None = option(None, kinds.TEXT, "Directory of what outlives a run.", change=Change.RESTART)
    sink_timeout: float = option(
        5.0, kinds.SECONDS, "How long a sink may make no progress before lines are dropped.", change=Change.APPLY
    )
    extra: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketConfig:
    """A listening socket: section `[socket:NAME]`. With `path` it is a unix socket, whatever `family` says."""

    name: str
    host: str = option("localhost", kinds.TEXT, "Host name or address.", change=Change.REBIND)
    port: int = option(8080, kinds.PORT, "TCP port.", change=Change.REBIND)
    path: str | None = option(None, kinds.TEXT, "Path of a unix socket.", change=Change.REBIND)
    family: str = option(
        "AF_INET", kinds.choice("AF_INET", "AF_INET6", "AF_UNIX"), "Address family.", change=Change.REBIND
    )
    backlog: int = option(2048, kinds.COUNT, "Length of the accept queue.", change=Change.REBIND)
    mode: int | None = option(
        None, kinds.OCTAL, "Permission bits of a unix socket's file; otherwise the umask's.", change=Change.REBIND
    )
    where: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class WatcherConfig:
    """One command, N processes: section `[watcher:NAME]`. `env` is what the watcher's own sections set."""

    name: str
    cmd: str = option("", kinds.TEXT, "Command line.")
    args: str = option("", kinds.TEXT, "More arguments, appended to the command.")
    numprocesses: int = option(1, kinds.PROCESSES, "How many processes.", change=Change.SCALE)
    singleton: bool = option(False, kinds.BOOL, "At most one process.", change=Change.APPLY)
    working_dir: str | None = option(None, kinds.TEXT, "Directory the command runs in.", aliases=("working_directory",))
    use_sockets: bool = option(False, kinds.BOOL, "Inherit the listening sockets.")
    copy_env: bool = option(False, kinds.BOOL, "Inherit the arbiter's environment.")
    uid: str | None = option(None, kinds.USER, "User (name or number) to run as.", aliases=("user",))
    gid: str | None = option(None, kinds.GROUP, "Group (name or number) to run as.", aliases=("group",))
    priority: int = option(0, kinds.INT, "Watchers of a higher priority start first.", change=Change.APPLY)
    depends_on: tuple[str, ...] = option(
        (), kinds.WORDS, "Watchers that must be ready before this one starts.", change=Change.APPLY
    )
    autostart: bool = option(True, kinds.BOOL, "Start with the arbiter.", change=Change.APPLY)
    respawn: bool = option(True, kinds.BOOL, "Replace a process that ended.", change=Change.APPLY)
    graceful_timeout: float = option(
        30.0, kinds.SECONDS, "Seconds between the stop signal and SIGKILL.", change=Change.APPLY
    )
    stop_signal: int = option(int(signal.SIGTERM), kinds.SIGNAL, "Signal that asks to stop.", change=Change.APPLY)
    stop_children: bool = option(
        False, kinds.BOOL, "Send the stop signal to the whole process group.", change=Change.APPLY
    )
    ready: Readiness = option(
        Readiness(), kinds.READINESS, "How a process shows that it serves.", aliases=("readiness",)
    )
    ready_timeout: float = option(
        60.0, kinds.SECONDS, "Seconds within which a process must be ready.", change=Change.APPLY
    )
    reload_mode: ReloadMode = option(
        ReloadMode.ROLLING, kinds.RELOAD_MODE, "What a reload does with the processes.", change=Change.APPLY
    )
    max_failures: int = option(
        0,
        kinds.COUNT,
        "Failures for each process within failure_window that give the watcher up; 0: never.",
        change=Change.APPLY,
    )
    failure_window: float = option(60.0, kinds.SECONDS, "Window of max_failures.", change=Change.APPLY)
    stdout_stream: StreamConfig | None = composite(
        _nothing, "stdout_stream.*", "Where stdout goes: class, filename and the class's options.", change=Change.APPLY
    )
    stderr_stream: StreamConfig | None = composite(
        _nothing, "stderr_stream.*", "Where stderr goes: class, filename and the class's options.", change=Change.APPLY
    )
    env: Mapping[str, str] = composite(
        dict, "env", "Environment: NAME=VALUE,NAME=VALUE, laid over [env:PATTERN] and [env]."
    )
    extra: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)

    @property
    def cannot_overlap(self) -> bool:
        """Whether two generations must not run side by side: a singleton that doesn't serve on a socket of the arbiter
        may hold a fixed port, or a lock on its data."""
        return self.singleton and not self.use_sockets


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
    """A plugin: section `[plugin:NAME]`, kept as written; `use` is the dotted name of its class."""

    name: str
    use: str
    options: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """What the server section resolved to; the watcher `web` is made from it. `app` is in chaussette's form."""

    app: str
    backend: str = "wsgiref"
    workers: int = 1
    threads: int | None = None
    preload: bool = False
    watch_files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfig:
    """A whole stack, validated. `web` is None for a Circus ini; its watcher stands in `watchers` like any other."""

    source: str
    kind: SourceKind
    circus: CircusConfig
    sockets: tuple[SocketConfig, ...] = ()
    watchers: tuple[WatcherConfig, ...] = ()
    services: tuple[ServiceConfig, ...] = ()
    plugins: tuple[PluginConfig, ...] = ()
    web: WebConfig | None = None
    warnings: tuple[Problem, ...] = field(default=(), compare=False)

    def with_warnings(self, warnings: tuple[Problem, ...]) -> StackConfig:
        """The same stack with these warnings."""
        return dataclasses.replace(self, warnings=warnings)
