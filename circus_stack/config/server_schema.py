"""The options of `[server:NAME] use = egg:circus-stack`. A foreign server's options are translated into these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from circus_stack.config import kinds, layer_kinds
from circus_stack.config.option import option
from circus_stack.config.values import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """What a server section asks for. `workers` 0 is `auto`; None means that the section doesn't say."""

    listen: tuple[str, ...] = option(
        (), kinds.WORDS, "Addresses to listen on: HOST:PORT, *:PORT, [IPV6]:PORT, unix:PATH.", aliases=("bind",)
    )
    host: str | None = option(None, kinds.TEXT, "Host or hosts to listen on, where listen is not given.")
    port: int | None = option(None, kinds.PORT, "Port to listen on, where an address doesn't name its own.")
    unix_socket: str | None = option(None, kinds.TEXT, "Path of a unix socket to listen on.")
    unix_socket_perms: int | None = option(None, kinds.OCTAL, "Permission bits of unix_socket.")
    backlog: int | None = option(None, kinds.COUNT, "Length of the accept queue.")
    app: str | None = option(
        None,
        kinds.TEXT,
        "The application as module:callable, in place of an [app:main] section.",
        aliases=("application",),
    )
    backend: str | None = option(None, kinds.TEXT, "The WSGI server that each worker runs.")
    workers: int | None = option(
        None, kinds.WORKERS, "How many worker processes; auto: one a processor.", aliases=("numprocesses",)
    )
    threads: int | None = option(None, kinds.COUNT, "Requests that one worker of a threaded backend serves at once.")
    spawn: int | None = option(
        None, kinds.COUNT, "Connections that one gevent worker serves at once.", aliases=("connections",)
    )
    max_request_line: int | None = option(
        None, kinds.BOUND, "Bytes that the target of a request may have (gevent, fastgevent; 8190), 414 above."
    )
    max_headers: int | None = option(
        None, kinds.BOUND, "Headers that a request may have (gevent, fastgevent; 100), 431 above."
    )
    max_head_size: int | None = option(
        None, kinds.BOUND, "Bytes that the head of a request may have (gevent, fastgevent; 65536), 431 above."
    )
    max_body_size: int | None = option(
        None, kinds.COUNT, "Bytes that a body may have (gevent, fastgevent), 413 above; 0: no limit."
    )
    head_timeout: float | None = option(
        None, kinds.SECONDS, "Seconds from the first byte of a request to the end of its head (gevent, fastgevent; 30)."
    )
    body_timeout: float | None = option(
        None, kinds.SECONDS, "Seconds between two pieces of a body (fastgevent; 60), 408 after them."
    )
    send_timeout: float | None = option(
        None, kinds.SECONDS, "Seconds in which a client must take something of its response (fastgevent; 60)."
    )
    keepalive_timeout: float | None = option(
        None, kinds.SECONDS, "Seconds that an idle connection stays open (gevent, fastgevent; 75)."
    )
    exclusive: bool = option(
        True,
        kinds.BOOL,
        "A connection wakes one idle worker, not all of them (gevent, fastgevent).",
    )
    preload: bool = option(False, kinds.BOOL, "Load the application once and fork the workers from it.")
    warmup: tuple[str, ...] = option(
        (), kinds.REQUEST_PATHS, "Paths that the application is asked for, in the process itself, before it serves."
    )
    before_fork: str | None = option(
        None, kinds.TEXT, "With preload, dotted name of a callable that runs once, before workers are forked."
    )
    after_fork: str | None = option(
        None, kinds.TEXT, "With preload, dotted name of a callable that each worker runs after its fork."
    )
    graceful_timeout: float | None = option(
        None, kinds.SECONDS, "Seconds that a worker may take for its last requests before SIGKILL."
    )
    keepalive_drain: float | None = option(
        None, kinds.SECONDS, "Seconds that an idle connection has for a last request when its worker stops."
    )
    max_requests: int | None = option(
        None, kinds.COUNT, "Requests after which a worker is replaced, its successor first; 0: never."
    )
    max_requests_jitter: int | None = option(
        None, kinds.COUNT, "Up to so many requests are added to max_requests, for each worker another number."
    )
    hang_timeout: float | None = option(
        None,
        kinds.SECONDS,
        "Seconds that a worker's loop may stand still; then its threads are dumped and it is replaced; 0: any time.",
        aliases=("timeout",),
    )
    ready_timeout: float | None = option(None, kinds.SECONDS, "Seconds within which a worker must serve.")
    user: str | None = option(None, kinds.USER, "User that the workers run as.", aliases=("uid",))
    group: str | None = option(None, kinds.GROUP, "Group that the workers run as.", aliases=("gid",))
    watch_files: tuple[str, ...] = option((), kinds.PATHS, "More files that --reload watches, relative to the ini.")
    trusted_proxies: str | None = option(
        None, layer_kinds.NETWORKS, "Addresses and networks, unix, or *, whose headers tell who the client is."
    )
    trusted_proxy_headers: str | None = option(
        None, layer_kinds.PROXY_HEADERS, "Headers that those proxies set: some of X-Forwarded-*, or Forwarded."
    )
    access_log: str | None = option(None, kinds.TEXT, "File for a line a request; - is stdout.")
    access_log_format: str | None = option(
        None, layer_kinds.LOG_FORMAT, "combined, json, or a text with {fields} in it."
    )
    request_timeout: float | None = option(
        None, kinds.SECONDS, "Seconds after which a request is interrupted (gevent, fastgevent, eventlet); 0: never."
    )
    health_path: str | None = option(
        None, layer_kinds.URL_PATH, "Path that a worker answers without the application: 200, while it stops 503."
    )
    server_header: str | None = option(None, kinds.TEXT, "Value of the Server header.", aliases=("ident",))
    certfile: str | None = option(
        None, kinds.TEXT, "Serve https with this certificate (PEM), relative to the ini: gevent, fastgevent, wsgiref."
    )
    keyfile: str | None = option(None, kinds.TEXT, "Private key (PEM), where it is not in certfile.")
    ca_certs: str | None = option(None, kinds.TEXT, "Who may sign the certificates of clients (PEM).")
    cert_reqs: str | None = option(
        None, kinds.choice("none", "optional", "required"), "Whether a client needs a certificate."
    )
    ciphers: str | None = option(None, kinds.TEXT, "Ciphers of TLS 1.2, in OpenSSL's words.")
    monkey: bool = option(True, kinds.BOOL, "Let gevent patch the standard library before the application is imported.")
    multiprocess: bool | None = option(None, kinds.BOOL, "Value of wsgi.multiprocess.")
    python_path: str | None = option(None, kinds.TEXT, "Directories put on sys.path, separated by colons.")
    pre_hook: str | None = option(None, kinds.TEXT, "Dotted name of a callable that a worker runs before it serves.")
    post_hook: str | None = option(None, kinds.TEXT, "Dotted name of a callable that a worker runs at its end.")
    log_level: str | None = option(
        None, kinds.choice("debug", "info", "warning", "error", "critical"), "Log level of the workers."
    )
    log_output: str | None = option(None, kinds.TEXT, "Log file of the workers; - is stderr.")
    where: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)
