"""The arbiter's own options: the record of `[circus]`. Declarations only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from circus_stack.config import kinds, layer_kinds
from circus_stack.config.option import Change, option
from circus_stack.config.values import FdKeeperMode, Location


@dataclass(frozen=True, slots=True, kw_only=True)
class CircusConfig:
    """The arbiter's own options: section `[circus]`."""

    name: str = option("", kinds.TEXT, "Name of the stack, as clients list it.", change=Change.RESTART)
    endpoint: str = option("", kinds.TEXT, "Address of the command endpoint.", change=Change.RESTART)
    pubsub_endpoint: str = option("", kinds.TEXT, "Address of the event endpoint.", change=Change.RESTART)
    logs_endpoint: str = option("", kinds.TEXT, "Address of the log endpoint.", change=Change.RESTART)
    stats_endpoint: str = option("", kinds.TEXT, "Address of the statistics endpoint.", change=Change.RESTART)
    stats_query_endpoint: str = option(
        "",
        kinds.TEXT,
        "Address at which circusd-stats is asked for snapshots and history; else a private socket.",
        change=Change.RESTART,
    )
    stats_interval: float = option(
        1.0, kinds.INTERVAL, "Seconds between two samples of each process.", change=Change.RESTART
    )
    statsd: bool = option(
        False, kinds.BOOL, "Run circusd-stats: figures of all processes, with a history.", change=Change.RESTART
    )
    metrics: str | None = option(
        None,
        kinds.TEXT,
        "HOST:PORT at which circusd-stats serves /metrics for Prometheus.",
        change=Change.RESTART,
    )
    metrics_token_file: str | None = option(
        None,
        kinds.TEXT,
        "File of the token that whoever reads /metrics must show, as Authorization: Bearer TOKEN.",
        change=Change.RESTART,
    )
    httpd: bool = option(False, kinds.BOOL, "Run the web console.", change=Change.SCALE)
    httpd_host: str = option(
        "localhost",
        kinds.TEXT,
        "Host of the web console; one that other machines reach only where somebody has a password.",
        change=Change.REBIND,
    )
    httpd_port: int = option(
        8080,
        kinds.PORT,
        "Port of the web console; where none is named, the next one that is free.",
        change=Change.REBIND,
    )
    httpd_certfile: str | None = option(
        None,
        kinds.TEXT,
        "Certificate (PEM) with which the web console serves https; a reload reads it again.",
        change=Change.ROLL,
    )
    httpd_keyfile: str | None = option(
        None, kinds.TEXT, "Its private key (PEM), where it is not in httpd_certfile.", change=Change.ROLL
    )
    httpd_names: tuple[str, ...] = option(
        (),
        kinds.WORDS,
        "Names by which browsers reach the web console; localhost and addresses need not be named.",
        change=Change.ROLL,
    )
    httpd_prefix: str | None = option(
        None,
        layer_kinds.URL_PATH,
        "Path below which a proxy hands requests to the web console on unchanged.",
        change=Change.ROLL,
    )
    httpd_trusted_proxies: str | None = option(
        None,
        layer_kinds.NETWORKS,
        "Addresses and networks of proxies whose X-Forwarded-* headers the web console believes.",
        change=Change.ROLL,
    )
    check_delay: float = option(
        5.0, kinds.SECONDS, "Seconds between two safety sweeps; exits are seen at once without it.", change=Change.APPLY
    )
    warmup_delay: float = option(0.0, kinds.SECONDS, "Pause between the starts of two watchers.", change=Change.APPLY)
    exit_on_failed: bool = option(
        False,
        kinds.BOOL,
        "Stop everything, and end with status 3, when a watcher is given up: for containers.",
        change=Change.APPLY,
    )
    start_concurrency: int = option(
        0,
        kinds.COUNT,
        "How many processes of the stack may be between their spawn and ready at once; 0: any.",
        change=Change.APPLY,
    )
    umask: int | None = option(None, kinds.OCTAL, "File mode mask of the arbiter.", change=Change.RESTART)
    pidfile: str | None = option(None, kinds.TEXT, "File that holds the arbiter's pid.", change=Change.RESTART)
    loglevel: str = option(
        "info", kinds.choice("debug", "info", "warning", "error", "critical"), "Log level.", change=Change.RESTART
    )
    logoutput: str = option(
        "-",
        kinds.TEXT,
        "Log file, syslog://HOST:PORT?FACILITY or syslog:///PATH?FACILITY; - is stderr.",
        change=Change.RESTART,
    )
    loggerconfig: str | None = option(
        None,
        kinds.TEXT,
        "File that configures logging (ini, JSON or YAML), or default; loglevel and logoutput then count for nothing.",
        change=Change.RESTART,
    )
    debug: bool = option(False, kinds.BOOL, "Log at level debug, and let asyncio check itself.", change=Change.RESTART)
    debug_gc: bool = option(False, kinds.BOOL, "Log the collections of garbage.", change=Change.RESTART)
    endpoint_owner: str | None = option(
        None,
        kinds.USER,
        "User who owns the ipc:// endpoint; a watcher that is added at run time must then run as that user.",
        change=Change.RESTART,
    )
    keys_dir: str | None = option(
        None,
        kinds.TEXT,
        "Directory of server.key and authorized_keys, as circus-stack keygen makes them: TCP endpoints then take only "
        "clients with such a key. Its list of keys is read again with each reload.",
        change=Change.RESTART,
    )
    multicast_endpoint: str | None = option(
        None,
        kinds.TEXT,
        "Multicast address at which a datagram is answered with the endpoint: udp://GROUP:PORT; empty: none.",
        change=Change.RESTART,
    )
    fqdn_prefix: str | None = option(
        None, kinds.TEXT, "Put before the host's name, PREFIX@FQDN, where statistics name it.", change=Change.RESTART
    )
    runtime_dir: str | None = option(
        None, kinds.TEXT, "Directory of sockets and lock, mode 0700.", change=Change.RESTART
    )
    state_dir: str | None = option(None, kinds.TEXT, "Directory of what outlives a run.", change=Change.RESTART)
    fd_keeper: FdKeeperMode = option(
        FdKeeperMode.AUTO,
        kinds.FD_KEEPER,
        "Whether a small process keeps sockets and pipes for the next arbiter, should this one be killed: auto (where "
        "the kernel lets nobody fetch them out of the processes), always or never.",
        change=Change.RESTART,
    )
    sink_timeout: float = option(
        5.0, kinds.SECONDS, "How long a sink may make no progress before lines are dropped.", change=Change.APPLY
    )
    extra: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)
