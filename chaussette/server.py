"""Puts a worker together: backend, sockets, application, lifecycle; and takes it apart again."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from chaussette.addresses import DEFAULT_HOST, DEFAULT_PORT, describe, parse_host_port
from chaussette.backends.base import Backend
from chaussette.backends.registry import backend_class, listing, stand_in
from chaussette.errors import BackendError, UsageError
from chaussette.gate_fds import GateFds
from chaussette.hooks import PostHook, run_pre_hook
from chaussette.layers.chain import layered
from chaussette.lifecycle import Lifecycle
from chaussette.notify import Notifier
from chaussette.scoreboard.slot import Slot
from chaussette.settings import Settings
from chaussette.sockets import DEFAULT_BACKLOG, Listener, adopt_all, bind, closing_listeners
from chaussette.warmup import warm_up

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("chaussette")
ApplicationLoader = Callable[[], "WSGIApplication"]


def open_listeners(settings: Settings) -> list[Listener]:
    """Rebuild the inherited sockets, or bind the one that --host and --port name."""
    if settings.fd:
        if settings.host is not None or settings.port is not None:
            raise UsageError(
                "--fd and --host or --port: an inherited socket has its address already; give one or the other"
            )
        return adopt_all(settings.fd)
    host = DEFAULT_HOST if settings.host is None else settings.host
    port = DEFAULT_PORT if settings.port is None else settings.port
    address = parse_host_port(host, port, settings.address_family)
    return [bind(address, backlog=settings.backlog, family=settings.address_family)]


def prepared_backend(settings: Settings) -> type[Backend]:
    """The class of the chosen backend, its library imported and the standard library patched where it wants that."""
    name, warning = stand_in(settings.backend)
    if warning:
        log.warning("%s", warning)
    cls = backend_class(name)
    try:
        cls.prepare(settings)
    except ImportError as error:
        install = f"; install it with: {cls.install}" if cls.install else ""
        raise BackendError(f"backend {cls.name!r} is not available: {error}{install}\n{listing()}") from error
    check_tls(cls, settings)
    for name in ("threads", "spawn"):
        if getattr(settings, name) is not None and name not in cls.honours:
            log.warning("--%s means nothing to backend %s", name, cls.name)
    return cls


def check_tls(cls: type[Backend], settings: Settings) -> None:
    """Refuse options of TLS that contradict each other, and a backend that would serve plain HTTP in spite of them."""
    if not (
        settings.certfile or settings.keyfile or settings.ca_certs or settings.ciphers or settings.cert_reqs != "none"
    ):
        return
    from chaussette import tls

    tls.check(settings)
    if not cls.serves_tls:
        raise BackendError(
            f"--certfile: backend {cls.name!r} serves no https; choose gevent, fastgevent or wsgiref, "
            "or have a proxy do it"
        )


def serve(
    settings: Settings,
    load: ApplicationLoader,
    label: str,
    arguments: object,
    notifier: Notifier,
    listen: Callable[[], list[Listener]] | None = None,
    backend: type[Backend] | None = None,
    slot: Slot | None = None,
    gate: GateFds | None = None,
) -> None:
    """Run one worker from its first socket to its last response. `label` names the application in log and title.

    `arguments` is what the hooks are called with; `listen` opens the sockets where not the settings say which;
    `backend` is given where it is prepared already, and the application is loaded and warm; `slot` is that of the
    scoreboard, where there is one.
    """
    lifecycle = Lifecycle(
        notifier,
        graceful_timeout_s=settings.graceful_timeout,
        keepalive_drain_s=settings.keepalive_drain,
        slot=slot,
        gate=gate,
    )
    lifecycle.install()
    cls = backend or prepared_backend(settings)
    listeners = listen() if listen else open_listeners(settings)
    post_hook = PostHook(settings.post_hook, arguments)
    for listener in listeners:
        lifecycle.at_abrupt_end(listener.remove_path)
    lifecycle.at_abrupt_end(post_hook.run)
    with closing_listeners(listeners), contextlib.ExitStack() as stack:
        stack.callback(post_hook.run)
        run_pre_hook(settings.pre_hook, arguments)
        loaded = load()
        if backend is None:
            warm_up(loaded, settings.warmup)
        app = layered(loaded, settings, lifecycle, cls.request_limit())
        serve_loaded(cls(app, listeners, settings), lifecycle, listeners, label)


def serve_loaded(backend: Backend, lifecycle: Lifecycle, listeners: Sequence[Listener], label: str) -> None:
    """Serve an application that is loaded, until the lifecycle says stop."""
    set_title(f"chaussette: {label} [{backend.name}]")
    log.info("Application is %s", label)
    log.info("Serving on %s", ", ".join(describe(listener.sock, backend.url_scheme) for listener in listeners))
    log.info("Using %s as a backend", backend.name)
    # Again: the application, or a library under it, may have taken the signals while it was imported.
    lifecycle.install()
    backend.serve(lifecycle)
    lifecycle.finished()
    log.info("Stopped; every request was answered")


def make_server(
    app: WSGIApplication,
    host: str | None = None,
    port: int | None = None,
    backend: str = "wsgiref",
    backlog: int = DEFAULT_BACKLOG,
    spawn: int | None = None,
    logger: logging.Logger | None = None,
    address_family: int | str = socket.AF_INET,
    socket_type: int | str = socket.SOCK_STREAM,
    graceful_timeout: float | None = None,
    disable_monkeypatch: bool = False,
) -> Any:
    """Chaussette 1.3's: a server for `app`, bound, with `serve_forever`; see `embedding.EmbeddedServer`. `logger` is
    told of what is served, where and by what; our own logger, once it is served."""
    from chaussette.backend import get

    options: dict[str, object] = {"spawn": spawn, "graceful_timeout": graceful_timeout}
    given = {name: value for name, value in options.items() if value is not None}
    if disable_monkeypatch:
        given["disable_monkeypatch"] = True
    made = get(backend)(
        (host, port), app, backlog=backlog, address_family=address_family, socket_type=socket_type, **given
    )
    if logger is not None:
        logger.info("Application is %r; serving on %s:%s, with %s", app, host, port, backend)
    return made


def main() -> int:
    """The program, under the name that it had in Chaussette 1.3."""
    from chaussette import cli

    return cli.main()


def set_title(title: str) -> None:
    """Name the process for ps and top, if setproctitle is installed."""
    try:
        from setproctitle import setproctitle
    except ImportError:
        return
    setproctitle(title)


def extend_path(python_path: str, directory: str) -> None:
    """Append the directories of --python-path and the current directory to sys.path."""
    for entry in [*python_path.split(":"), directory]:
        if entry and entry not in sys.path:
            sys.path.append(entry)
