"""One HTTP/1.0 exchange on one connection, by wsgiref's handlers, mended where they are wrong for a server.

Mended: the request body ends where Content-Length says; a HEAD gets no body; the process environment stays out of the
environ; head and body leave in one packet; a chunked request body is refused with 411.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from wsgiref.handlers import SimpleHandler
from wsgiref.simple_server import WSGIRequestHandler

from chaussette.backends.body import LimitedInput
from chaussette.backends.method import is_served
from chaussette.tls import environ_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("chaussette.wsgiref")
MAX_REQUEST_LINE = 65536
# A body that the app left unread is read up to this much before the close: else the reset would destroy the response.
LEFTOVER_BYTES = 256 * 1024


@dataclass(frozen=True)
class Site:
    """What is the same for every request on one listener; `base_environ` is the name that wsgiref looks for."""

    app: WSGIApplication
    base_environ: dict[str, object]
    server_header: str
    stall_s: float


def serve_connection(sock: socket.socket, peer: tuple[str, int], site: Site) -> None:
    """Read one request from `sock`, plain or after its handshake, answer it, close. Never raises for what a client
    does."""
    try:
        sock.settimeout(site.stall_s)
        RequestHandler(sock, peer, site)  # type: ignore[arg-type]  # wsgiref only asks for base_environ
        with contextlib.suppress(OSError, ValueError):
            if isinstance(sock, ssl.SSLSocket):
                # Says goodbye; the client's own is not waited for.
                sock.settimeout(0)
                sock.unwrap()
            sock.shutdown(socket.SHUT_WR)
    except OSError as error:
        log.debug("connection from %s: %s", peer[0] or "unix socket", error)
    except Exception:
        log.exception("while serving a connection")
    finally:
        sock.close()


class RequestHandler(WSGIRequestHandler):
    """Parses the request and runs the application."""

    # Lets the parser answer `Expect: 100-continue`; the response itself is HTTP/1.0.
    protocol_version = "HTTP/1.1"
    # Buffered: one packet for head and body.
    wbufsize = -1

    def handle(self) -> None:
        """One request, one response."""
        self.raw_requestline = self.rfile.readline(MAX_REQUEST_LINE + 1)
        if len(self.raw_requestline) > MAX_REQUEST_LINE:
            self.requestline = self.request_version = self.command = ""
            self.send_error(414)
            return
        if not self.raw_requestline or not self.parse_request():
            return
        if self.headers.get("Transfer-Encoding"):
            self.send_error(411, "Length Required", "this server needs a Content-Length")
            return
        if not is_served(self.command):
            self.send_error(400, "Bad Request", "this is no method for an application")
            return
        self._run_application()

    def _run_application(self) -> None:
        site: Any = self.server
        environ = self.get_environ()
        environ["SERVER_SOFTWARE"] = site.base_environ["SERVER_SOFTWARE"]
        if isinstance(self.connection, ssl.SSLSocket):
            environ.update(environ_of(self.connection))
        if "Content-Type" not in self.headers:
            # wsgiref makes up text/plain.
            del environ["CONTENT_TYPE"]
        body = LimitedInput(self.rfile, content_length(environ.get("CONTENT_LENGTH")))
        handler = Exchange(body, self.wfile, self.get_stderr(), environ, site)
        handler.run(site.app)
        body.discard(LEFTOVER_BYTES)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """No access log: the line costs more than wsgiref can spare, and a proxy in front keeps one."""

    def log_message(self, format: str, *args: Any) -> None:
        """What a client did wrong, for those who look for it."""
        log.debug(format, *args)


class Exchange(SimpleHandler):
    """Runs the application for one request and writes the response."""

    http_version = "1.0"
    headers_sent: bool
    os_environ: dict[str, str] = {}

    def __init__(self, body: LimitedInput, wfile: Any, errors: Any, environ: dict[str, Any], site: Site) -> None:
        super().__init__(
            body,
            wfile,
            errors,
            environ,
            multithread=bool(site.base_environ["wsgi.multithread"]),
            multiprocess=bool(site.base_environ["wsgi.multiprocess"]),
        )
        self.server_software = site.server_header or None
        self._is_head = environ["REQUEST_METHOD"] == "HEAD"

    def write(self, data: bytes) -> None:
        """Send `data`; of a HEAD only the head."""
        if not self._is_head:
            super().write(data)
        elif not self.headers_sent:
            self.bytes_sent = len(data)
            self.send_headers()


def content_length(value: str | None) -> int:
    """The length of the request body in bytes; 0 where none is given or it is no number."""
    return int(value) if value and value.isdecimal() else 0
