"""fastgevent: our own HTTP server on gevent's loop. The standard library is patched before the application's import."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module

from chaussette.backends.base import Backend
from chaussette.environ import base_environ
from chaussette.errors import RequestTimedOut
from chaussette.lifecycle import Lifecycle
from chaussette.settings import Settings
from chaussette.sockets import Listener


class FastGeventBackend(Backend):
    """`spawn` bounds the connections that are open at once."""

    name = "fastgevent"
    serves_tls = True
    library = "gevent"
    distribution = "gevent"
    install = "pip install 'circus-stack[fastgevent]'"
    honours = frozenset(
        {
            "spawn",
            "exclusive",
            "max_request_line",
            "max_headers",
            "max_head_size",
            "max_body_size",
            "head_timeout",
            "body_timeout",
            "send_timeout",
            "keepalive_timeout",
        }
    )

    @classmethod
    def prepare(cls, settings: Settings) -> None:
        """Patch the standard library, unless told not to."""
        super().prepare(settings)
        __import__("httptools")
        if settings.monkey:
            from chaussette.backends.gevent_patching import patch_all

            patch_all()

    @classmethod
    def before_fork(cls) -> None:
        """Import the server, end the threads of the hub's pool."""
        import_module("chaussette.backends.fastgevent.server")
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
        from chaussette.backends.fastgevent.limits import Limits
        from chaussette.backends.fastgevent.server import Server
        from chaussette.backends.gevent_exclusive import exclusive_watch

        Server(
            self.app,
            self.listeners,
            [self._environ(listener) for listener in self.listeners],
            limits=Limits.of(self.settings),
            most=self.settings.spawn,
            server_header=self.server_header,
            watch=lambda hub, listener: exclusive_watch(hub, listener, self.settings),
            certificates=self.certificates(lifecycle),
            accepted=lifecycle.accepted,
        ).run(lifecycle, self.status)

    def _environ(self, listener: Listener) -> dict[str, object]:
        from chaussette.backends.fastgevent.files import FileWrapper

        software = f"chaussette {self.name}"
        constant = base_environ(
            listener.sock,
            multithread=True,
            multiprocess=self.is_multiprocess,
            software=software,
            scheme=self.url_scheme,
        )
        return {
            **constant,
            "GATEWAY_INTERFACE": "CGI/1.1",
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            "wsgi.file_wrapper": FileWrapper,
        }
