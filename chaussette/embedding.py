"""A server inside of somebody's own program, made and run as Chaussette 1.3 did it: its calls on the backends of
today. It binds at once, and serves where it is told to."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from chaussette import server
from chaussette.addresses import DEFAULT_HOST, DEFAULT_PORT, parse_host_port
from chaussette.errors import UsageError
from chaussette.layers.chain import layered
from chaussette.lifecycle import STOP_SIGNALS, Lifecycle
from chaussette.notify import Notifier
from chaussette.settings import Settings
from chaussette.sockets import DEFAULT_BACKLOG, Listener, adopt, bind, closing_listeners

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

_FD = "fd://"
_TAKEN = (*STOP_SIGNALS, signal.SIGQUIT, signal.SIGHUP)


class EmbeddedServer:
    """One server: `EmbeddedServer((host, port), app).serve_forever()`; a subclass names its backend.

    `host` may be unix:/PATH, or fd://N for a listening socket that is there already, which stays the caller's. Raises
    UsageError, BackendError, SocketError. Where the backend patches the standard library it does so here, unless
    `disable_monkeypatch`: what the application has imported by then stays as it was.
    """

    backend_name: ClassVar[str] = "wsgiref"

    def __init__(
        self,
        listen: tuple[str | None, int | None],
        application: WSGIApplication,
        backlog: int = DEFAULT_BACKLOG,
        spawn: int | None = None,
        graceful_timeout: float | None = None,
        address_family: int | str = socket.AF_INET,
        socket_type: int | str = socket.SOCK_STREAM,
        disable_monkeypatch: bool = False,
    ) -> None:
        if socket_type not in (socket.SOCK_STREAM, "SOCK_STREAM"):
            raise UsageError(f"socket_type {socket_type!r}: SOCK_STREAM is the only one that carries HTTP")
        family = address_family if isinstance(address_family, str) else socket.AddressFamily(address_family).name
        settings = Settings(backend=self.backend_name, spawn=spawn, monkey=not disable_monkeypatch)
        if graceful_timeout is not None:
            settings = replace(settings, graceful_timeout=float(graceful_timeout))
        self._settings = settings
        self._app = application
        self._backend = server.prepared_backend(settings)
        self._listener = _opened(*listen, backlog, family)
        self._lifecycle: Lifecycle | None = None
        self._is_closed = False

    @property
    def server_address(self) -> Any:
        """(host, port, ...) or the path that it is bound to."""
        return self._listener.sock.getsockname()

    @property
    def server_port(self) -> int:
        """The port that it is bound to; 0 on a unix socket."""
        address = self.server_address
        return int(address[1]) if isinstance(address, tuple) else 0

    def serve_forever(self) -> None:
        """Serve until SIGTERM, SIGINT or `stop`, then until every request is answered; afterwards signals are handled
        as before. For the main thread, which alone gets them. Raises UsageError in another one."""
        if self._is_closed:
            return
        self._is_closed = True
        settings, listeners = self._settings, [self._listener]
        lifecycle = Lifecycle(
            Notifier.from_environ(os.environ),
            graceful_timeout_s=settings.graceful_timeout,
            keepalive_drain_s=settings.keepalive_drain,
        )
        lifecycle.at_abrupt_end(self._listener.remove_path)
        with closing_listeners(listeners), _signals_kept():
            lifecycle.install()
            app = layered(self._app, settings, lifecycle, self._backend.request_limit())
            self._lifecycle = lifecycle
            server.serve_loaded(self._backend(app, listeners, settings), lifecycle, listeners, _label(self._app))

    def stop(self) -> None:
        """Have `serve_forever` finish the requests in flight and return; before it, close the socket. From any
        thread."""
        if self._lifecycle is not None:
            self._lifecycle.stop()
        elif not self._is_closed:
            self._is_closed = True
            self._listener.sock.close()
            self._listener.remove_path()


def _opened(host: str | None, port: int | None, backlog: int, family: str) -> Listener:
    host = DEFAULT_HOST if host is None else host
    if not host.startswith(_FD):
        address = parse_host_port(host, DEFAULT_PORT if port is None else int(port), family)
        return bind(address, backlog=backlog, family=family)
    number = host.removeprefix(_FD)
    if not number.isdecimal():
        raise UsageError(f"host {host!r}: {_FD} wants the number of a listening socket")
    # What is adopted is closed: the caller may have an object of Python's on its own descriptor.
    return adopt(os.dup(int(number)))


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Give signals back to whom they belonged."""
    before = {signum: signal.getsignal(signum) for signum in _TAKEN}
    try:
        for signum, handler in before.items():
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)
    except ValueError:
        raise UsageError("serve_forever: signals come to the main thread alone; call it there") from None
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)


def _label(app: object) -> str:
    named = app if hasattr(app, "__qualname__") else type(app)
    return f"{named.__module__}:{named.__qualname__}"
