"""eventlet: a green thread a connection. The standard library is patched before the application is imported."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module

from chaussette.backends.base import Backend
from chaussette.environ import base_environ
from chaussette.errors import RequestTimedOut
from chaussette.lifecycle import Lifecycle
from chaussette.settings import Settings

log = logging.getLogger("chaussette")


class EventletBackend(Backend):
    """eventlet's wsgi on inherited or own sockets; `spawn` bounds the connections served at once."""

    name = "eventlet"
    library = "eventlet"
    distribution = "eventlet"
    install = "pip install 'circus-stack[eventlet]'"
    honours = frozenset({"spawn"})

    @classmethod
    def import_library(cls) -> None:
        """Import eventlet without its five lines of warning, which would end a worker under `-W error`."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
            super().import_library()

    @classmethod
    def prepare(cls, settings: Settings) -> None:
        """Patch the standard library, unless told not to."""
        super().prepare(settings)
        log.warning("eventlet is deprecated by its authors; backend gevent is what replaces it most easily")
        if settings.monkey:
            import eventlet

            eventlet.monkey_patch()

    @classmethod
    def before_fork(cls) -> None:
        """Import the server, so that all workers share it."""
        import_module("chaussette.backends.eventlet_server")

    @classmethod
    def after_fork(cls) -> None:
        """A hub of this worker's own: the zygote's epoll would be one for all."""
        from eventlet import hubs

        hubs.use_hub()

    @classmethod
    def request_limit(cls) -> Callable[[float], AbstractContextManager[object]]:
        """At the next moment at which the request's green thread waits for something."""

        def limit(seconds: float) -> AbstractContextManager[object]:
            # Here: whoever only asks whether there is a limit gets no library, and no warning of it.
            import eventlet

            timeout: AbstractContextManager[object] = eventlet.Timeout(seconds, RequestTimedOut)
            return timeout

        return limit

    def serve(self, lifecycle: Lifecycle) -> None:
        """Serve until told to stop, then until every connection is done."""
        from chaussette.backends.eventlet_server import Servers

        environs = [
            base_environ(listener.sock, multithread=True, multiprocess=self.is_multiprocess, software="eventlet")
            for listener in self.listeners
        ]
        Servers(self.app, self.listeners, environs, self.settings.spawn, self.server_header).run(lifecycle, self.status)
