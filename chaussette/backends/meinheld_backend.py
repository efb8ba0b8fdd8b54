"""meinheld: an HTTP server in C with its own loop. Needs a build of its own, see DESIGN.md."""

from __future__ import annotations

from importlib import import_module

from chaussette.backends.base import Backend
from chaussette.environ import base_environ
from chaussette.lifecycle import Lifecycle


class MeinheldBackend(Backend):
    """meinheld on inherited or own sockets. Sends `Server: meinheld/1.0.2`: the name is compiled in."""

    name = "meinheld"
    library = "meinheld.server"
    distribution = "meinheld"
    # pip cannot resolve it beside gevent, and its bundled greenlet.h is wrong for a greenlet of today.
    install = "make meinheld (in a clone; by hand: see chaussette/DESIGN.md)"

    @classmethod
    def before_fork(cls) -> None:
        """Import the server."""
        import_module("chaussette.backends.meinheld_server")

    def serve(self, lifecycle: Lifecycle) -> None:
        """Serve until told to stop, then until every connection is done."""
        from chaussette.backends.meinheld_server import Server

        environs = [
            base_environ(listener.sock, multithread=False, multiprocess=self.is_multiprocess, software="meinheld")
            for listener in self.listeners
        ]
        Server(self.app, self.listeners, environs).run(lifecycle, self.status)
