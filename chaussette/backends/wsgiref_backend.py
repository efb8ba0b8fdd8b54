"""The backend that needs nothing but the standard library: wsgiref's handler under a loop of our own.

HTTP/1.0: each response closes its connection. One request at a time, or `threads` at once.
"""

from __future__ import annotations

from collections.abc import Callable

from chaussette.backends.base import Backend
from chaussette.backends.wsgiref_crew import Connection, SoloCrew, ThreadCrew
from chaussette.backends.wsgiref_handler import Site, serve_connection
from chaussette.backends.wsgiref_loop import STALL_S, AcceptLoop
from chaussette.environ import base_environ
from chaussette.lifecycle import Lifecycle


class WsgirefBackend(Backend):
    """wsgiref; the main thread accepts, and a connection is handled once its first byte is in."""

    name = "wsgiref"
    serves_tls = True
    honours = frozenset({"threads"})

    def serve(self, lifecycle: Lifecycle) -> None:
        """Serve until told to stop, then serve what was accepted."""
        threads = self.settings.threads or 1
        handle = self._connection_handler(threads > 1)
        crew = ThreadCrew(handle, threads) if threads > 1 else SoloCrew(handle)
        loop = AcceptLoop(self.listeners, crew, lifecycle, self.certificates(lifecycle))
        try:
            lifecycle.ready(loop.wake, loop.in_flight, self.status)
            loop.run()
        finally:
            loop.close()

    def _connection_handler(self, multithread: bool) -> Callable[[Connection], None]:
        """What serves one connection, from its first byte to its close."""
        sites = [
            Site(
                self.app,
                base_environ(
                    listener.sock,
                    multithread=multithread,
                    multiprocess=self.is_multiprocess,
                    software="wsgiref",
                    scheme=self.url_scheme,
                ),
                self.server_header,
                STALL_S,
            )
            for listener in self.listeners
        ]
        return lambda connection: serve_connection(connection.sock, connection.peer, sites[connection.listener_index])
