"""waitress: one thread for the sockets, `threads` for the application."""

from __future__ import annotations

from importlib import import_module

from chaussette.backends.base import Backend
from chaussette.environ import base_environ
from chaussette.lifecycle import Lifecycle

# waitress' own default.
DEFAULT_THREADS = 4


class WaitressBackend(Backend):
    """waitress on inherited or own sockets."""

    name = "waitress"
    library = "waitress"
    distribution = "waitress"
    install = "pip install 'circus-stack[waitress]'"
    honours = frozenset({"threads"})

    @classmethod
    def before_fork(cls) -> None:
        """Import the server."""
        import_module("chaussette.backends.waitress_server")

    def serve(self, lifecycle: Lifecycle) -> None:
        """Serve until told to stop, then until every channel is done."""
        from chaussette.backends.waitress_server import Servers

        threads = self.settings.threads or DEFAULT_THREADS
        environs = [
            base_environ(
                listener.sock,
                multithread=threads > 1,
                multiprocess=self.is_multiprocess,
                software=self.server_header or "waitress",
            )
            for listener in self.listeners
        ]
        Servers(self.app, self.listeners, environs, threads, self.server_header).run(lifecycle, self.status)
