"""One TLS handshake of the wsgiref backend, in steps that never wait: the loop goes on with the others meanwhile."""

from __future__ import annotations

import selectors
import ssl
import time
from dataclasses import replace

from chaussette.backends.wsgiref_crew import Connection
from chaussette.tls import HANDSHAKE_S


class Handshake:
    """Of a connection whose first byte is in. `until`: when it has taken too long, in monotonic seconds."""

    def __init__(self, connection: Connection, context: ssl.SSLContext) -> None:
        """Raises OSError, the socket closed, where the client is gone."""
        self._connection = connection
        self.until = time.monotonic() + HANDSHAKE_S
        connection.sock.setblocking(False)
        try:
            self.sock = context.wrap_socket(connection.sock, server_side=True, do_handshake_on_connect=False)
        except BaseException:
            connection.sock.close()
            raise

    def step(self) -> int:
        """Go on; what the selector is to wait for, 0 at the end. Raises OSError where there will be no end."""
        try:
            self.sock.do_handshake()
        except ssl.SSLWantReadError:
            return selectors.EVENT_READ
        except ssl.SSLWantWriteError:
            return selectors.EVENT_WRITE
        return 0

    def connection(self) -> Connection:
        """The connection with TLS over it. OpenSSL reads a record at a time, so what the client says next is still with
        the kernel, which tells of it."""
        return replace(self._connection, sock=self.sock)
