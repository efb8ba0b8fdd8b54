"""One connection: read when there is something to read, answered in a greenlet of the crew, closed in time.

Between requests it costs one watcher of the hub and no greenlet: a client that says nothing, or half a head, holds up
nobody and little memory.
"""

from __future__ import annotations

import _socket
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import gevent

from chaussette.backends.fastgevent.dates import Dates
from chaussette.backends.fastgevent.exchange import Exchange
from chaussette.backends.fastgevent.gone import ClientGoneError
from chaussette.backends.fastgevent.known import Known
from chaussette.backends.fastgevent.limits import Limits
from chaussette.backends.fastgevent.parser import Parser, Request
from chaussette.backends.fastgevent.refusal import RequestRefusedError, refusal_bytes

if TYPE_CHECKING:
    from chaussette.backends.fastgevent.tls import TlsSocket
    from chaussette.backends.gevent_upgrade import UpgradedSocket

log = logging.getLogger("chaussette")

# One read: what a request's head and a small body fit into, and what a pipeline may bring at most.
READ_SIZE = 65536
# libev's events.
_READ, _WRITE = 1, 2
# Of a body that the application didn't read so much is read and forgotten, to keep the connection.
_DISCARDED = 65536
# At the end of a refused connection: what the client has sent already is taken in, or the kernel would answer it with
# a reset, and the client might never see the response.
_LINGER_READS = 16
# So long where a body is on its way that the application did not read: a client mostly sends all of it before it reads.
_LINGER_S = 5.0


class Yard(Protocol):
    """What a connection knows of its server."""

    app: Callable[..., Any]
    limits: Limits
    dates: Dates
    hub: Any
    now: Callable[[], float]
    is_stopping: bool
    is_ending: bool

    def begin(self, connection: Connection) -> None:
        """Call `serve` in a greenlet."""

    def watch(self, connection: Connection) -> None:
        """Its `deadline` was set or moved."""

    def kept(self) -> None:
        """A connection has had its first response, and stays."""

    def forget(self, connection: Connection) -> None:
        """It is closed."""


class Connection:
    """`deadline` is when it has been silent for too long, in the loop's seconds; None while a request is answered."""

    __slots__ = (
        "_fd",
        "_has_more",
        "_io",
        "_is_new",
        "_parser",
        "_recv",
        "_sock",
        "_yard",
        "deadline",
        "is_busy",
        "is_closed",
        "upgraded",
    )

    def __init__(self, yard: Yard, sock: _socket.socket | TlsSocket, known: Known, own: dict[str, Any]) -> None:
        self._yard = yard
        self._sock = sock
        self._recv = sock.recv
        self._fd = sock.fileno()
        self._parser = Parser(known, yard.limits, own)
        self._io = yard.hub.loop.io(self._fd, _READ)
        self._is_new = True
        self.is_busy = False
        self.is_closed = False
        # The socket that the application may have taken over.
        self.upgraded: UpgradedSocket | None = None
        # Whether something came in while a request was answered, and nobody looked.
        self._has_more = False
        self.deadline: float | None = yard.now() + yard.limits.head_s
        self._io.start(self._on_readable)
        yard.watch(self)

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request, of which nothing has come in."""
        return not self.is_busy and not self._parser.has_begun

    # -- in the hub ---------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Read what came in before the hub could tell: with the connection itself, or behind TLS's handshake."""
        self._on_readable()

    def _on_readable(self) -> None:
        if self.is_busy:
            # Level-triggered: it would be said again and again. What came in waits until the response is out.
            self._io.stop()
            self._has_more = True
            return
        try:
            data = self._recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        parser = self._parser
        had_begun = parser.has_begun
        parser.feed(data)
        if parser.requests:
            self.is_busy = True
            self.deadline = None
            self._yard.begin(self)
        elif parser.failure is not None:
            self._refuse(parser.failure)
        elif parser.has_begun and not had_begun:
            self._expect_head()

    def _expect_head(self) -> None:
        self.deadline = self._yard.now() + self._yard.limits.head_s
        self._yard.watch(self)

    def expire(self) -> None:
        """The deadline has passed."""
        if self._parser.has_begun:
            self._refuse(RequestRefusedError(408, "the head did not come in time"))
        else:
            self.close()

    def go_away(self) -> None:
        """The server stops: what has left HTTP is asked to end."""
        if self.upgraded is not None:
            self.upgraded.go_away()

    def end_reading(self) -> None:
        """Let what has come in be read, then no more."""
        try:
            self._sock.shutdown(_socket.SHUT_RD)
        except OSError:
            self.close()

    def _refuse(self, refusal: RequestRefusedError) -> None:
        """Say so, as far as the client takes it at once, and close."""
        try:
            self._sock.send(refusal_bytes(refusal, self._yard.dates.lines()))
            self._sock.shutdown(_socket.SHUT_WR)
            for _ in range(_LINGER_READS):
                if not self._recv(READ_SIZE):
                    break
        except OSError:
            pass
        self.close()

    def close(self) -> None:
        """Safe to call twice."""
        if not self.is_closed:
            self.is_closed = True
            self._io.stop()
            self._io.close()
            self._sock.close()
            self._yard.forget(self)

    # -- in a greenlet ------------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Answer the requests that have come in; then wait for more in the hub again."""
        parser, yard = self._parser, self._yard
        requests = parser.requests
        try:
            while requests:
                request = requests.pop(0)
                if request.body is None and not request.wants_upgrade:
                    exchange = Exchange(self, yard.app, request, yard.dates, yard.is_stopping)
                    exchange.run()
                    goes_on = not exchange.closes
                else:
                    goes_on = self._answer_more(request)
                if not goes_on:
                    self.close()
                    return
        except ClientGoneError:
            self.close()
            return
        except BaseException:
            self.close()
            raise
        if parser.failure is not None:
            self._refuse(parser.failure)
            return
        self.is_busy = False
        if self._is_new:
            self._is_new = False
            yard.kept()
        if parser.has_begun:
            self._expect_head()
        else:
            self.deadline = yard.now() + yard.limits.idle_s
            if yard.is_ending:
                self.end_reading()
        if self._has_more:
            self._has_more = False
            self._io.start(self._on_readable)

    def _answer_more(self, request: Request) -> bool:
        """Answer a request to which more than its head belongs; whether the connection goes on."""
        yard, body = self._yard, request.body
        if body is not None:
            body.pull = self._pull
        app = self._upgrading(request) if request.wants_upgrade else yard.app
        exchange = Exchange(self, app, request, yard.dates, yard.is_stopping or request.wants_upgrade)
        try:
            exchange.run()
        except ClientGoneError:
            failure = self._parser.failure
            if failure is not None and not exchange.is_head_sent:
                self._refuse(failure)
            raise
        finally:
            if body is not None:
                body.pull, is_read = self._pull, body.is_complete
            if self.upgraded is not None:
                self.upgraded.release()
        if exchange.closes or (request.wants_upgrade and self._parser.is_upgraded):
            goes_on = False
        else:
            goes_on = body is None or is_read or (not body.is_continue_wanted and body.discard(_DISCARDED))
        if not goes_on and body is not None and not is_read and not body.is_continue_wanted:
            self._linger()
        return goes_on

    def _linger(self) -> None:
        """The response is out, and the connection ends: take in what the client goes on to send, for a while."""
        ends = self._yard.now() + _LINGER_S
        try:
            self._sock.shutdown(_socket.SHUT_WR)
            while (left_s := ends - self._yard.now()) > 0:
                try:
                    if not self._recv(READ_SIZE):
                        return
                except BlockingIOError:
                    if not self._wait(_READ, left_s):
                        return
                # Others first, however fast it comes; and only then the hub's time goes on.
                gevent.sleep(0)
        except OSError:
            return

    def _pull(self) -> None:
        """Read more of a body into the parser; raises ClientGoneError."""
        parser = self._parser
        body = parser.awaited
        if body is not None and body.is_continue_wanted:
            body.is_continue_wanted = False
            self.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._io.stop()
        self._has_more = True
        while True:
            try:
                data = self._recv(READ_SIZE)
                break
            except BlockingIOError:
                if not self._wait(_READ, self._yard.limits.body_s):
                    parser.fail(RequestRefusedError(408, "the body did not come in time"))
                    raise ClientGoneError("the body did not come in time") from None
            except OSError as error:
                raise ClientGoneError(str(error)) from error
        if not data:
            raise ClientGoneError("the client has closed its connection before the end of the body")
        parser.feed(data)

    def send(self, data: bytes) -> None:
        """Send all of it; raises ClientGoneError."""
        try:
            sent = self._sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise ClientGoneError(str(error)) from error
        if sent < len(data):
            self._send_rest(memoryview(data)[sent:])

    def _send_rest(self, data: memoryview) -> None:
        while data:
            self._wait_writable()
            try:
                data = data[self._sock.send(data) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise ClientGoneError(str(error)) from error

    def send_file(self, fd: int, offset: int, count: int) -> None:
        """Have the kernel send a part of a file; raises ClientGoneError."""
        if not isinstance(self._sock, _socket.socket):
            self._send_encrypted(fd, offset, count)
            return
        while count:
            try:
                sent = os.sendfile(self._fd, fd, offset, count)
            except BlockingIOError:
                self._wait_writable()
                continue
            except OSError as error:
                raise ClientGoneError(str(error)) from error
            if not sent:
                raise ClientGoneError("the file has become shorter meanwhile")
            offset += sent
            count -= sent

    def _send_encrypted(self, fd: int, offset: int, count: int) -> None:
        """What TLS encrypts passes through this process."""
        while count:
            data = os.pread(fd, min(count, READ_SIZE), offset)
            if not data:
                raise ClientGoneError("the file has become shorter meanwhile")
            self.send(data)
            offset += len(data)
            count -= len(data)

    def _wait_writable(self) -> None:
        if not self._wait(_WRITE, self._yard.limits.send_s):
            raise ClientGoneError("the client takes nothing")

    def _wait(self, events: int, seconds: float | None) -> bool:
        """Let others run until the socket is ready; False where that takes too long."""
        hub = self._yard.hub
        watcher = hub.loop.io(self._fd, events)
        try:
            with gevent.Timeout(seconds):
                hub.wait(watcher)
        except gevent.Timeout:
            return False
        else:
            return True
        finally:
            watcher.close()

    def _upgrading(self, request: Request) -> Callable[..., Any]:
        """The application, with the connection in its environ as a socket that others run beside."""
        from gevent import socket as gevent_socket

        from chaussette.backends.gevent_upgrade import KEYS, UpgradedSocket, without_answer

        sock: Any
        if isinstance(self._sock, _socket.socket):
            sock = gevent_socket.socket(self._sock.family, self._sock.type, self._sock.proto, fileno=os.dup(self._fd))
        else:
            from chaussette.backends.fastgevent.tls import TlsStream

            sock = TlsStream(self._sock, self._wait)
        is_websocket = str(request.environ["HTTP_UPGRADE"]).lower() == "websocket"
        upgraded = self.upgraded = UpgradedSocket(sock, is_websocket)
        request.environ.update(dict.fromkeys(KEYS, upgraded))

        def done() -> None:
            upgraded.end()
            raise ClientGoneError("the connection has left HTTP")

        return without_answer(self._yard.app, upgraded, done)
