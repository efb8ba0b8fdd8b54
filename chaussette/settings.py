"""Every option of the program, declared once: the command line, the Paste server section and the help read it here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from chaussette import values
from chaussette.addresses import DEFAULT_HOST, DEFAULT_PORT
from chaussette.layers.proxy_headers import HEADERS, USUAL
from chaussette.sockets import DEFAULT_BACKLOG

DEFAULT_APPLICATION = "chaussette.hello:app"


@dataclass(frozen=True)
class Declaration:
    """What is known of an option beside its name, type and default.

    `parse` turns text into the value; `repeats`: it may be given several times; `in_paste`: it is a key of a Paste
    server section too.
    """

    help: str
    parse: Callable[[str], object]
    group: str
    metavar: str = ""
    repeats: bool = False
    in_paste: bool = True
    aliases: tuple[str, ...] = ()


def option(default: Any, help: str, parse: Callable[[str], object], group: str, **more: Any) -> Any:
    """A field of `Settings`."""
    return field(default=default, metadata={"declaration": Declaration(help, parse, group, **more)})


@dataclass(frozen=True)
class Settings:
    """What one worker was told. Durations are seconds; None means "not said"."""

    fd: tuple[int, ...] = option(
        (), "serve on this inherited listening socket; may be given several times. Not with --host or --port",
        values.whole_number, "sockets", metavar="N", repeats=True, in_paste=False,
    )  # fmt: skip
    host: str | None = option(
        None, f"host name, IP, '*', or unix:/path (default: {DEFAULT_HOST})", values.text, "sockets", metavar="HOST"
    )
    port: int | None = option(
        None, f"TCP port, 0 lets the kernel choose (default: {DEFAULT_PORT})", values.port, "sockets", metavar="PORT"
    )
    backlog: int = option(
        DEFAULT_BACKLOG, "length of the accept queue of a socket that is bound here", values.count, "sockets",
        metavar="N",
    )  # fmt: skip
    address_family: str = option(
        "AF_INET", "AF_INET, AF_INET6 or AF_UNIX, for a socket that is bound here", values.address_family, "sockets",
        metavar="FAMILY",
    )  # fmt: skip
    socket_type: str = option(
        "SOCK_STREAM", "SOCK_STREAM is the only type that carries HTTP", values.socket_type, "sockets",
        metavar="TYPE",
    )  # fmt: skip
    backend: str = option("wsgiref", "the WSGI server; see --list-backends", values.text, "server", metavar="NAME")
    threads: int | None = option(
        None, "requests served at once: by waitress (default: 4) and wsgiref (default: 1)", values.count, "server",
        metavar="N",
    )  # fmt: skip
    spawn: int | None = option(
        None, "connections served at once by gevent (default: no limit)", values.count, "server", metavar="N",
        aliases=("connections",),
    )  # fmt: skip
    max_requests: int | None = option(
        None, "requests after which the worker asks to be replaced, or ends where nobody replaces it (default: never)",
        values.whole_number, "server", metavar="N", in_paste=False,
    )  # fmt: skip
    max_requests_jitter: int | None = option(
        None, "up to so many requests are added to --max-requests, so that not all workers ask at once",
        values.whole_number, "server", metavar="N", in_paste=False,
    )  # fmt: skip
    trusted_proxies: str = option(
        "", "addresses and networks, 'unix', or '*', whose headers tell who the client is, as 10.0.0.0/8,unix",
        values.networks, "requests", metavar="LIST",
    )  # fmt: skip
    trusted_proxy_headers: str = option(
        ",".join(USUAL), f"the headers that those set, some of {', '.join(HEADERS)}", values.proxy_headers,
        "requests", metavar="LIST",
    )  # fmt: skip
    access_log: str = option(
        "", "file for a line a request, '-' for standard output", values.text, "requests", metavar="FILE"
    )
    access_log_format: str = option(
        "combined", "combined, json, or a text with {fields} in it", values.log_format, "requests", metavar="FORMAT"
    )
    request_timeout: float = option(
        0.0, "seconds after which a request is interrupted and answered with 504; 0: never (gevent, fastgevent)",
        values.seconds, "requests", metavar="S",
    )  # fmt: skip
    health_path: str = option(
        "", "path that is answered without the application: 200, while the worker stops 503", values.url_path,
        "requests", metavar="PATH",
    )  # fmt: skip
    max_request_line: int = option(
        8190,
        "bytes that the target of a request may have: 414 above (gevent, fastgevent)",
        values.count,
        "limits",
        metavar="N",
    )
    max_headers: int = option(
        100, "headers that a request may have: 431 above (gevent, fastgevent)", values.count, "limits", metavar="N"
    )
    max_head_size: int = option(
        65536,
        "bytes that the head of a request may have: 431 above (gevent, fastgevent)",
        values.count,
        "limits",
        metavar="N",
    )
    max_body_size: int = option(
        0, "bytes that a body may have: 413 above; 0: no limit (gevent, fastgevent)", values.whole_number, "limits",
        metavar="N",
    )  # fmt: skip
    head_timeout: float = option(
        30.0, "seconds from the first byte of a request to the end of its head: 408 after it (gevent, fastgevent)",
        values.seconds, "limits", metavar="S",
    )  # fmt: skip
    body_timeout: float = option(
        60.0, "seconds between two pieces of a body: 408 after it (fastgevent)", values.seconds, "limits", metavar="S"
    )
    send_timeout: float = option(
        60.0, "seconds in which a client must take something of its response (fastgevent)", values.seconds, "limits",
        metavar="S",
    )  # fmt: skip
    keepalive_timeout: float = option(
        75.0, "seconds that an idle connection stays open (gevent, fastgevent)", values.seconds, "limits", metavar="S"
    )
    certfile: str = option(
        "", "serve https with this certificate (PEM, with its chain): wsgiref, gevent, fastgevent", values.text, "TLS",
        metavar="FILE",
    )  # fmt: skip
    keyfile: str = option(
        "", "its private key (PEM, no pass phrase), where it is not in --certfile", values.text, "TLS", metavar="FILE"
    )
    ca_certs: str = option("", "who may sign the certificates of clients (PEM)", values.text, "TLS", metavar="FILE")
    cert_reqs: str = option(
        "none", "whether a client needs a certificate: none, optional or required", values.cert_reqs, "TLS",
        metavar="WORD",
    )  # fmt: skip
    ciphers: str = option(
        "", "ciphers of TLS 1.2 in OpenSSL's words (default: those of Python)", values.text, "TLS", metavar="LIST"
    )
    graceful_timeout: float = option(
        30.0, "seconds from SIGTERM until requests in flight are cut", values.seconds, "server", metavar="S"
    )
    keepalive_drain: float = option(
        1.0, "seconds that an idle keep-alive connection has after SIGTERM for a last request", values.seconds,
        "server", metavar="S",
    )  # fmt: skip
    monkey: bool = option(
        True, "patch the standard library before the application is imported (gevent only)", values.flag, "server"
    )
    exclusive: bool = option(
        True, "have a connection to a shared socket wake one idle worker, not all of them (gevent, fastgevent)",
        values.flag, "server",
    )  # fmt: skip
    multiprocess: bool | None = option(
        None, "value of wsgi.multiprocess (default: true with --fd)", values.flag, "server"
    )
    server_header: str | None = option(
        None, "value of the Server header, '' for none (default: names the backend)", values.text, "server",
        metavar="TEXT",
    )  # fmt: skip
    app_name: str | None = option(
        None, "section of the ini to serve, as #NAME does (default: main)", values.text, "application",
        metavar="NAME", in_paste=False,
    )  # fmt: skip
    paste_var: tuple[tuple[str, str], ...] = option(
        (), "a variable for the ini, as in `pserve app.ini NAME=VALUE`; may be given several times", values.variable,
        "application", metavar="NAME=VALUE", repeats=True, in_paste=False,
    )  # fmt: skip
    python_path: str = option(
        "", "directories to put on sys.path, separated by ':'", values.text, "application", metavar="PATH"
    )
    pre_hook: str = option(
        "", "dotted name of a callable to run with the parsed arguments before serving", values.text, "application",
        metavar="NAME",
    )  # fmt: skip
    post_hook: str = option(
        "", "dotted name of a callable to run with the parsed arguments at the end, in any case", values.text,
        "application", metavar="NAME",
    )  # fmt: skip
    warmup: tuple[str, ...] = option(
        (), "a path that the application is asked for before it serves; may be given several times", values.path,
        "application", metavar="/PATH", repeats=True, in_paste=False,
    )  # fmt: skip
    before_fork: str = option(
        "", "dotted name of a callable to run with the parsed arguments once, when the application is loaded, and "
        "before workers are forked from it (preload)", values.text, "application", metavar="NAME", in_paste=False,
    )  # fmt: skip
    after_fork: str = option(
        "", "dotted name of a callable that each forked worker runs with the parsed arguments (preload)", values.text,
        "application", metavar="NAME", in_paste=False,
    )  # fmt: skip
    log_level: str = option(
        "info", "critical, error, warning, info or debug", values.log_level, "logging", metavar="LEVEL"
    )
    log_output: str = option("-", "file for the log, '-' for standard error", values.text, "logging", metavar="FILE")


def declaration(of: Field[Any]) -> Declaration:
    """The declaration of one field of `Settings`."""
    found = of.metadata["declaration"]
    assert isinstance(found, Declaration)
    return found


def declared() -> list[tuple[str, Any, Declaration]]:
    """(name, default, declaration) of every option, in the order of the help."""
    return [
        (each.name, None if each.default is MISSING else each.default, declaration(each)) for each in fields(Settings)
    ]
