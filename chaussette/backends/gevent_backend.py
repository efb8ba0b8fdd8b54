"""gevent's pywsgi: a greenlet a connection. The standard library is patched before the application is imported."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

from chaussette.backends.base import Backend
from chaussette.environ import base_environ
from chaussette.errors import RequestTimedOut
from chaussette.lifecycle import Lifecycle
from chaussette.settings import Settings


class GeventBackend(Backend):
    """pywsgi on inherited or own sockets; `spawn` bounds the connections served at once."""

    name = "gevent"
    serves_tls = True
    library = "gevent"
    distribution = "gevent"
    install = "pip install 'circus-stack[gevent]'"
    honours = frozenset(
        {
            "spawn",
            "exclusive",
            "max_request_line",
            "max_headers",
            "max_head_size",
            "max_body_size",
            "head_timeout",
            "keepalive_timeout",
        }
    )

    @classmethod
    def prepare(cls, settings: Settings) -> None:
        """Patch the standard library, unless told not to."""
        super().prepare(settings)
        if settings.monkey:
            from chaussette.backends.gevent_patching import patch_all

            patch_all()

    @classmethod
    def before_fork(cls) -> None:
        """Import the server, end the threads of the hub's pool."""
        import_module("chaussette.backends.gevent_server")
        from chaussette.backends.gevent_fork import end_thread_pool

        end_thread_pool()

    @classmethod
    def after_fork(cls) -> None:
        """Give the hub an epoll of its own."""
        from chaussette.backends.gevent_fork import renew_hub

        renew_hub()

    @classmethod
    def request_limit(cls) -> Callable[[float], AbstractContextManager[object]]:
        """At the next moment at which the request's greenlet waits for something."""
        import gevent

        return lambda seconds: gevent.Timeout(seconds, RequestTimedOut)

    def serve(self, lifecycle: Lifecycle) -> None:
        """Serve until told to stop, then until every connection is done."""
        from chaussette.backends.gevent_server import Servers

        environs = [self._environ(listener.sock) for listener in self.listeners]
        certificates = self.certificates(lifecycle, _context)
        Servers(self.app, self.listeners, environs, self.settings, self.server_header, certificates).run(
            lifecycle, self.status
        )

    def _environ(self, sock: Any) -> dict[str, object]:
        environ = base_environ(
            sock, multithread=True, multiprocess=self.is_multiprocess, software="", scheme=self.url_scheme
        )
        # pywsgi's own stays: WebSocket libraries know gevent by it, and find the socket of the request then.
        del environ["SERVER_SOFTWARE"]
        return environ


def _context(purpose: Any) -> Any:
    """gevent's own, also where nothing is patched."""
    from gevent import ssl

    return ssl.create_default_context(purpose)
