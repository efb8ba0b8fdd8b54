"""TLS for a connection: a socket that encrypts, in the hub and without waiting, and the handshake before it."""

from __future__ import annotations

import _socket
import logging
import ssl
from collections.abc import Callable
from typing import Any, Protocol

from chaussette.tls import HANDSHAKE_S, environ_of

log = logging.getLogger("chaussette")

# Encrypted at once: four records.
_SLICE = 65536
_READ, _WRITE = 1, 2


class Watchers(Protocol):
    """What a handshake knows of its server."""

    hub: Any

    def watch(self, connection: Any) -> None:
        """Its `deadline` was set."""

    def forget(self, connection: Any) -> None:
        """It is over."""


class TlsSocket:
    """A non-blocking socket with TLS over it, as far as a connection uses one. BlockingIOError: wait, and try again.

    What could not be sent must be tried again as it was: a part of it is encrypted already.
    """

    def __init__(self, sock: _socket.socket, context: ssl.SSLContext) -> None:
        self._sock = sock
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self._cipher = context.wrap_bio(self._in, self._out, server_side=True)
        # What was encrypted and is not sent, and how much of the data that is tried again it has in it.
        self._unsent = b""
        self._taken = 0
        self.family, self.type, self.proto = sock.family, sock.type, sock.proto
        self.fileno = sock.fileno

    @property
    def has_unsent(self) -> bool:
        """Whether a flush is due."""
        return bool(self._unsent or self._out.pending)

    def handshake(self) -> bool:
        """Go on with the handshake; True once it is done. Raises OSError where it fails, BlockingIOError: wait."""
        try:
            self._cipher.do_handshake()
        except ssl.SSLWantReadError:
            self.flush()
            data = self._sock.recv(_SLICE)
            if data:
                self._in.write(data)
            else:
                raise ssl.SSLEOFError("the client has gone") from None
            return False
        except ssl.SSLError:
            # The alert that tells the client why.
            self.flush()
            raise
        self.flush()
        return True

    def environ(self) -> dict[str, str]:
        """What the environ says of the connection."""
        return environ_of(self._cipher)

    def recv(self, size: int) -> bytes:
        """What came in, all of it, which may be more than `size`; b'' at the end."""
        if self._in.pending and (early := self._decrypted()):
            # It came with the last part of the handshake.
            return early
        data = self._sock.recv(size)
        if not data:
            return b""
        self._in.write(data)
        decrypted = self._decrypted()
        if decrypted is None:
            # Half a record, or one of TLS's own.
            raise BlockingIOError
        return decrypted

    def _decrypted(self) -> bytes | None:
        """All that can be read now; None where that is nothing yet, b'' where the client has said goodbye."""
        pieces = []
        try:
            while piece := self._cipher.read(_SLICE):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            return b"".join(pieces) or None
        except ssl.SSLZeroReturnError:
            pass
        return b"".join(pieces)

    def send(self, data: bytes | memoryview) -> int:
        """Send a part of `data`; how many bytes that was."""
        if not self._taken:
            self._taken = self._cipher.write(memoryview(data)[:_SLICE])
        self.flush()
        taken, self._taken = self._taken, 0
        return taken

    def flush(self) -> None:
        """Send what is encrypted."""
        if self._out.pending:
            self._unsent += self._out.read()
        while self._unsent:
            self._unsent = self._unsent[self._sock.send(self._unsent) :]

    def shutdown(self, how: int) -> None:
        """As a socket's; the client is told that nothing follows."""
        if how != _socket.SHUT_RD:
            self._say_goodbye()
        self._sock.shutdown(how)

    def close(self) -> None:
        """Say so, as far as the client takes it at once, and close."""
        self._say_goodbye()
        self._sock.close()

    def _say_goodbye(self) -> None:
        try:
            self._cipher.unwrap()
        except (OSError, ValueError):
            pass
        try:
            self.flush()
        except OSError:
            pass


class Handshake:
    """Between accept and the first request, in the hub; counted, and ended in time, as the connections are."""

    is_idle = True

    def __init__(self, yard: Watchers, sock: TlsSocket, begin: Callable[[TlsSocket], object]) -> None:
        self._yard = yard
        self._sock = sock
        self._begin = begin
        self._io = yard.hub.loop.io(sock.fileno(), _READ)
        self._is_over = False
        self.deadline: float | None = yard.hub.loop.now() + HANDSHAKE_S
        self._io.start(self._go_on)
        yard.watch(self)

    def _go_on(self) -> None:
        try:
            while not self._sock.handshake():
                pass
        except BlockingIOError:
            self._wait()
            return
        except OSError as error:
            # Plain HTTP, an old protocol, no certificate, a port scan.
            log.debug("TLS handshake: %s", error)
            self.close()
            return
        self._stop()
        # In this order: a server that stops must not find itself empty in between.
        try:
            self._begin(self._sock)
        finally:
            self._yard.forget(self)

    def _wait(self) -> None:
        self._io.stop()
        self._io.close()
        self._io = self._yard.hub.loop.io(self._sock.fileno(), _WRITE if self._sock.has_unsent else _READ)
        self._io.start(self._go_on)

    def expire(self) -> None:
        """It has taken too long."""
        self.close()

    def end_reading(self) -> None:
        """The server stops, and the client has asked for nothing yet."""
        self.close()

    def go_away(self) -> None:
        """As `end_reading`."""
        self.close()

    def close(self) -> None:
        """Give it up; safe to call twice."""
        if not self._is_over:
            self._stop()
            self._sock.close()
            self._yard.forget(self)

    def _stop(self) -> None:
        self._is_over = True
        self._io.stop()
        self._io.close()


class TlsStream:
    """The connection as a socket that lets others run while it waits, for what speaks another protocol from here on.

    `wait(events, seconds)` lets others run; False where it takes too long.
    """

    def __init__(self, sock: TlsSocket, wait: Callable[[int, float | None], bool]) -> None:
        self._sock = sock
        self._wait = wait
        self._timeout: float | None = None
        self._left = b""
        self.fileno = sock.fileno

    def settimeout(self, seconds: float | None) -> None:
        """Seconds that each call may wait."""
        self._timeout = seconds

    def gettimeout(self) -> float | None:
        """As set."""
        return self._timeout

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes; b'' at the end."""
        while not self._left:
            try:
                self._left = self._sock.recv(_SLICE)
            except BlockingIOError:
                if not self._wait(_READ, self._timeout):
                    raise TimeoutError("timed out") from None
            else:
                break
        taken, self._left = self._left[:size], self._left[size:]
        return taken

    def send(self, data: bytes) -> int:
        """All of it."""
        self.sendall(data)
        return len(data)

    def sendall(self, data: bytes) -> None:
        """All of it."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._sock.send(rest) :]
            except BlockingIOError:
                if not self._wait(_WRITE, self._timeout):
                    raise TimeoutError("timed out") from None

    def shutdown(self, how: int) -> None:
        """As a socket's."""
        self._sock.shutdown(how)

    def close(self) -> None:
        """The connection itself is closed by its owner."""
