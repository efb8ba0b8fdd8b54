"""bjoern: an HTTP server in C on libev. Never without a proxy in front, see docs/backends.md."""

from __future__ import annotations

from chaussette.backends.base import Backend
from chaussette.environ import base_environ
from chaussette.errors import BackendError
from chaussette.lifecycle import Lifecycle


class BjoernBackend(Backend):
    """bjoern on one inherited or own socket."""

    name = "bjoern"
    library = "_bjoern"
    distribution = "bjoern"
    # It is compiled as it is installed.
    install = "apt-get install gcc libev-dev python3-dev && pip install 'circus-stack[bjoern]'"

    def serve(self, lifecycle: Lifecycle) -> None:
        """Serve until told to stop, then until every connection is done."""
        from chaussette.backends.bjoern_server import Server

        if len(self.listeners) > 1:
            raise BackendError(
                f"backend 'bjoern' serves one socket and was given {len(self.listeners)}; give it one, or choose gevent"
            )
        listener = self.listeners[0]
        environ = base_environ(
            listener.sock, multithread=False, multiprocess=self.is_multiprocess, software=self.server_header or "bjoern"
        )
        Server(self.app, listener, environ, self.server_header).run(lifecycle, self.status)
