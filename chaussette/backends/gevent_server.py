"""pywsgi, subclassed where it would lose a request at stop. Imported only once gevent is there and has patched."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import gevent
from gevent import event, pool, pywsgi
from gevent import socket as gevent_socket

from chaussette.backends.fastgevent.deadlines import Deadlines
from chaussette.backends.fastgevent.environ import check_host, split_absolute
from chaussette.backends.fastgevent.refusal import RequestRefusedError, refusal_bytes
from chaussette.backends.gevent_accepting import AcceptingServer
from chaussette.backends.gevent_exclusive import ExclusiveWatch, exclusive_watch
from chaussette.backends.gevent_headers import Headers, check_request_line
from chaussette.backends.gevent_input import BadBodyError, ChunkedInput
from chaussette.backends.gevent_seat import Seat, seat
from chaussette.backends.gevent_signals import woken_by_signals
from chaussette.backends.gevent_upgrade import KEYS, UpgradedSocket, without_answer
from chaussette.backends.shortage import Reserve
from chaussette.environ import UNIX_REMOTE_ADDR
from chaussette.idle import end_reading
from chaussette.lifecycle import Lifecycle
from chaussette.settings import Settings
from chaussette.sockets import Listener
from chaussette.tls import HANDSHAKE_S, Certificates, environ_of

log = logging.getLogger("chaussette")

# While draining: how often connections that have become idle since are looked for.
DRAIN_ROUND_S = 0.05
_MOST_QUEUED = 4096


class Site:
    """What the handlers of all listeners share. `idle` holds the sockets that wait for a request to begin,
    `upgraded` those that an application may have taken out of HTTP; `deadlines` watches the handlers."""

    def __init__(self, server_header: str, settings: Settings) -> None:
        self.settings = settings
        self.server_header = server_header.encode("latin-1")
        self.is_stopping = False
        self.idle: set[Any] = set()
        self.watches: list[ExclusiveWatch] = []
        self.upgraded: set[UpgradedSocket] = set()
        hub = gevent.get_hub()
        self.now: Callable[[], float] = hub.loop.now
        self.deadlines = Deadlines(hub, min(settings.head_timeout, settings.keepalive_timeout))

    def kept(self) -> None:
        """A connection has had its first response, and stays: let others have the next ones."""
        for watch in self.watches:
            watch.go_last()


class Handler(pywsgi.WSGIHandler):  # type: ignore[misc]  # gevent is not typed here
    """pywsgi's handler, with a Server header, no body for HEAD, no access log, and a last response that says close.

    `deadline`: when it has waited for too long for a head, in the loop's seconds; None while a request is answered.
    """

    site: Site
    turns = 0
    deadline: float | None = None
    is_late = False
    body_refusal: RequestRefusedError | None = None
    headers: Headers
    headers_sent: bool
    path: str
    request_version: str
    close_connection: bool
    application: Any
    wsgi_input: Any

    def handle(self) -> None:
        """Serve one connection."""
        site = self.site
        self.deadline = site.now() + site.settings.head_timeout
        site.deadlines.watch(self)
        try:
            super().handle()
        finally:
            site.deadlines.forget(self)

    def expire(self) -> None:
        """The deadline has passed: whoever reads finds the end of what has come in."""
        self.is_late, self.deadline = True, None
        sock = self.__dict__.get("socket")
        if sock is not None and sock.fileno() >= 0:
            end_reading(sock.fileno())

    def read_requestline(self) -> str:
        """Wait for a request, until its first byte counted as idle; then for its first line."""
        site, sock = self.site, self.socket
        self.turns += 1
        if self.turns > 1:
            self.deadline = site.now() + site.settings.keepalive_timeout
            if self.turns == 2:
                site.kept()
        site.idle.add(sock)
        try:
            if not self.rfile.peek(1):
                return ""
        finally:
            site.idle.discard(sock)
        if not self.is_late:
            self.deadline = site.now() + site.settings.head_timeout
        line: str = super().read_requestline()
        return line

    def MessageClass(self, file: Any, *_seekable: object) -> Headers:  # noqa: N802 - pywsgi's name
        """The rest of the head."""
        return Headers(file, self.site.settings)

    def read_request(self, raw_requestline: str) -> bool:
        """The head, refused where it might deceive."""
        settings = self.site.settings
        if len(raw_requestline) > settings.max_request_line + len("OPTIONS  HTTP/1.1\r\n"):
            raise RequestRefusedError(414, f"the request target is longer than {settings.max_request_line} bytes")
        check_request_line(raw_requestline)
        is_read: bool = super().read_request(raw_requestline)
        self.deadline = None
        self.headers.check(self.request_version, settings.max_body_size)
        if self.path[0] != "/":
            host, target = split_absolute(self.path.encode("latin-1"))
            check_host(host)
            self.headers.environ["HTTP_HOST"] = host
            self.path = target.decode("latin-1")
        return is_read

    def _handle_client_error(self, ex: Exception) -> Any:
        """What the client is told; not one line of log for each that somebody tries."""
        if isinstance(ex, BadBodyError):
            # pywsgi drops what is returned here, and then has an error response sent.
            self.body_refusal = ex = ex.refusal
        elif self.is_late:
            ex = RequestRefusedError(408, "the head did not come in time")
        if isinstance(ex, RequestRefusedError):
            return str(ex.status), refusal_bytes(ex, b"")
        return super()._handle_client_error(ex)

    def _send_error_response_if_possible(self, error_code: int) -> None:
        """The refusal of a bad body, where nothing was sent yet; else what pywsgi would send."""
        refusal = self.body_refusal
        if refusal is None or self.response_length:
            super()._send_error_response_if_possible(error_code)
            return
        self.close_connection = True
        try:
            self._sendall(refusal_bytes(refusal, b""))
        except OSError:
            log.debug("the client of a refused body has gone")

    def _headers(self) -> Iterator[tuple[str, str]]:
        return self.headers.items()

    def get_environ(self) -> dict[str, Any]:
        """The environ; pywsgi leaves REMOTE_ADDR out on a unix socket."""
        environ: dict[str, Any] = super().get_environ()
        environ.setdefault("REMOTE_ADDR", UNIX_REMOTE_ADDR)
        plain = self.wsgi_input
        if plain.chunked_input:
            self.wsgi_input = ChunkedInput(plain, self.site.settings)
            if environ["wsgi.input"] is plain:
                environ["wsgi.input"] = self.wsgi_input
        if environ["wsgi.url_scheme"] == "https":
            environ.update(environ_of(self.socket))
        return environ

    def finalize_headers(self) -> None:
        """Add the Server header, and `Connection: close` where this response is the last; pywsgi keeps silent on it."""
        super().finalize_headers()
        headers = self.response_headers
        site = self.site
        if site.server_header and not any(name.lower() == b"server" for name, _ in headers):
            headers.append((b"Server", site.server_header))
        if (self.close_connection or site.is_stopping) and not self.connection_upgraded:
            self.close_connection = True
            headers[:] = [each for each in headers if each[0].lower() != b"connection"]
            headers.append((b"Connection", b"close"))

    def process_result(self) -> None:
        """Send the response; of a HEAD only the head, else the client would take the body for the next response."""
        if self.command != "HEAD":
            super().process_result()
            return
        for _ in self.result:
            pass
        if not self.headers_sent:
            self.headers_sent = True
            self.finalize_headers()
            self._sendall(self._head())

    def run_application(self) -> None:
        """Run the application. What follows a WebSocket on the wire is no HTTP: the connection ends with it."""
        if "HTTP_UPGRADE" not in self.environ:
            super().run_application()
            return
        is_websocket = self.environ["HTTP_UPGRADE"].lower() == "websocket"
        sock = UpgradedSocket(self.socket, is_websocket)
        self.environ.update(dict.fromkeys(KEYS, sock))
        self.application = without_answer(self.application, sock, sock.end)
        self.site.upgraded.add(sock)
        try:
            super().run_application()
        finally:
            self.site.upgraded.discard(sock)
        if is_websocket or sock.is_used:
            self.close_connection = True

    def log_request(self) -> None:
        """No access log; pywsgi would format the line even where it throws it away."""

    def _head(self) -> bytes:
        lines = [b"%s: %s\r\n" % (name, value) for name, value in self.response_headers]
        return b"".join([b"HTTP/1.1 ", self.status, b"\r\n", *lines, b"\r\n"])


class HttpServer(AcceptingServer):
    """pywsgi's server: where there are certificates, a handshake comes first, in the connection's own greenlet."""

    site: Site

    def update_environ(self) -> None:
        """As pywsgi's, which takes the scheme from arguments that we do not use."""
        super().update_environ()
        self.environ["wsgi.url_scheme"] = "https" if self.certificates else "http"

    def handle(self, sock: Any, address: Any) -> None:
        """Serve one connection."""
        if self.certificates is None:
            super().handle(sock, address)
            return
        wrapped = handshaken(sock, self.certificates.context, self.site.idle)
        if wrapped is not None:
            try:
                super().handle(wrapped, address)
            finally:
                say_goodbye(wrapped)


class Servers:
    """One pywsgi server a listener, one pool of connections, one stop."""

    def __init__(
        self,
        app: Any,
        listeners: Sequence[Listener],
        environs: Sequence[dict[str, object]],
        settings: Settings,
        server_header: str,
        certificates: Certificates | None = None,
    ) -> None:
        self._site = Site(server_header, settings)
        self._seat: Seat | None = None
        self._pool = pool.Pool(settings.spawn)
        handler = type("SiteHandler", (Handler,), {"site": self._site})
        self._listeners = listeners
        server_class = type("SiteServer", (HttpServer,), {"site": self._site, "certificates": certificates})
        self._servers = [
            server_class(cooperative(listener), app, spawn=self._pool, log=None, handler_class=handler, environ=environ)
            for listener, environ in zip(listeners, environs, strict=True)
        ]
        for server, listener in zip(self._servers, listeners, strict=True):
            self._watch(server, listener, settings)

    def _watch(self, server: HttpServer, listener: Listener, settings: Settings) -> None:
        sock = server.socket
        server.watch = exclusive_watch(gevent.get_hub(), replace(listener, sock=sock), settings)
        if server.watch is not None:
            server.reserve = Reserve(server.socket)
            self._site.watches.append(server.watch)
            # The next one shall wake somebody who has less to do.
            server.max_accept = 1

    def run(self, lifecycle: Lifecycle, status: str) -> None:
        """Serve, wait for the stop, drain, return."""
        for server in self._servers:
            server.accepted = lifecycle.accepted
            server.start()
        self._seat = seat(gevent.get_hub(), lifecycle.gate, [server.watch for server in self._servers])
        stop = event.Event()
        # The only thing that may be touched in a signal handler: it may run in the hub.
        waker = gevent.get_hub().loop.async_()
        waker.start(stop.set)
        try:
            with woken_by_signals():
                lifecycle.ready(waker.send, self.in_flight, status)
                while not stop.wait(lifecycle.beat_due_in_s()):
                    lifecycle.beat_if_due()
                    if self._seat is not None:
                        self._seat.look()
                self._site.is_stopping = True
                self._stop_accepting()
                self._drain(lifecycle)
        finally:
            waker.stop()
            waker.close()
            self._site.deadlines.close()

    def in_flight(self) -> int:
        """Connections with a request that is not answered."""
        return len(self._pool) - len(self._site.idle)

    def _stop_accepting(self) -> None:
        """Close the listeners, after taking what waits in the accept queue of a socket that only we serve; of a shared
        one what woke us, of which the kernel has told nobody else. The rest is for those who stay."""
        for server, listener in zip(self._servers, self._listeners, strict=True):
            server.stop_accepting()
            if listener.is_queue_ours:
                take_queue(server, _MOST_QUEUED)
            elif server.watch is not None:
                take_queue(server, 1)
            server.close()
            if server.reserve is not None:
                server.reserve.close()
        if self._seat is not None:
            self._seat.close()

    def _drain(self, lifecycle: Lifecycle) -> None:
        """Wait for the busy connections; let the idle ones go once they have had their time."""
        self._pool.join(timeout=lifecycle.drain_left_s())
        for upgraded in list(self._site.upgraded):
            upgraded.go_away()
        while len(self._pool):
            for sock in list(self._site.idle):
                if sock.fileno() >= 0:
                    end_reading(sock.fileno())
            self._pool.join(timeout=DRAIN_ROUND_S)
            lifecycle.beat_if_due()


def handshaken(sock: Any, context: Any, idle: set[Any]) -> Any:
    """The socket with TLS over it; None where the client does not get through the handshake in time.

    Until it has, the connection counts as idle: nothing was asked for.
    """
    idle.add(sock)
    try:
        sock.settimeout(HANDSHAKE_S)
        wrapped = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        idle.add(wrapped)
        try:
            wrapped.do_handshake()
        except OSError as error:
            # Plain HTTP, an old protocol, no certificate, a port scan; TimeoutError is one too.
            log.debug("TLS handshake: %s", error)
            wrapped.close()
            return None
        finally:
            idle.discard(wrapped)
        wrapped.settimeout(None)
        return wrapped
    except OSError:
        return None
    finally:
        idle.discard(sock)


def say_goodbye(sock: Any) -> None:
    """Tell the client that nothing follows, as far as it takes that at once, and close."""
    try:
        sock.settimeout(0)
        sock.unwrap()
    except (OSError, ValueError):
        pass
    finally:
        sock.close()


def cooperative(listener: Listener) -> Any:
    """The listening socket as gevent's own class, also where the standard library was not patched."""
    sock = listener.sock
    if isinstance(sock, gevent_socket.socket):
        return sock
    return gevent_socket.socket(sock.family, sock.type, sock.proto, fileno=sock.detach())


def take_queue(server: Any, most: int) -> None:
    """Accept up to `most` of what the kernel has queued, and serve it."""
    take: Callable[[], Any] = server.do_read
    for _ in range(most):
        accepted = take()
        if not accepted:
            return
        server.do_handle(*accepted)
