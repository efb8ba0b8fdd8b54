"""What every backend is: the contract between the server that is composed here and a WSGI server library."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, ClassVar

from chaussette.lifecycle import Lifecycle
from chaussette.settings import Settings
from chaussette.sockets import Listener

if TYPE_CHECKING:
    import ssl

    from _typeshed.wsgi import WSGIApplication

    from chaussette.tls import Certificates


class Backend(ABC):
    """Serves one application on listening sockets until its lifecycle says stop, then drains.

    A backend's module imports its library only inside methods, so that it can be listed where the library is missing.
    """

    name: ClassVar[str]
    # The module to import and the distribution to ask for a version; '' where the standard library is all it takes.
    library: ClassVar[str] = ""
    distribution: ClassVar[str] = ""
    # The command that brings the library.
    install: ClassVar[str] = ""
    # Settings that mean something to this backend, beside those that all obey.
    honours: ClassVar[frozenset[str]] = frozenset()
    # Whether it serves https by itself.
    serves_tls: ClassVar[bool] = False

    def __init__(self, app: WSGIApplication, listeners: Sequence[Listener], settings: Settings) -> None:
        self.app = app
        self.listeners = tuple(listeners)
        self.settings = settings

    def certificates(
        self, lifecycle: Lifecycle, create: Callable[[Any], ssl.SSLContext] | None = None
    ) -> Certificates | None:
        """The certificates to serve with, read again on SIGHUP; None for plain HTTP. Raises SocketError.

        `create`: what makes a context, where it is not `ssl.create_default_context`.
        """
        if not self.settings.certfile:
            return None
        import ssl

        from chaussette.tls import Certificates

        found = Certificates(self.settings, create or ssl.create_default_context)
        lifecycle.at_reload(found.reload)
        return found

    @property
    def url_scheme(self) -> str:
        """`wsgi.url_scheme`."""
        return "https" if self.settings.certfile else "http"

    @classmethod
    def prepare(cls, settings: Settings) -> None:  # noqa: ARG003 - for those that patch
        """Import the library, before the application is: the place for monkey patching. Raises ImportError."""
        cls.import_library()

    @classmethod
    def import_library(cls) -> None:
        """Import the library and patch nothing. Raises ImportError, and what a broken library raises."""
        if cls.library:
            importlib.import_module(cls.library)

    @classmethod  # noqa: B027 - most have nothing to do
    def before_fork(cls) -> None:
        """Import what a worker serves with, so that all share it, and leave nothing of the library's that a fork could
        not have. The application is loaded, workers come next."""

    @classmethod  # noqa: B027 - most have nothing to do
    def after_fork(cls) -> None:
        """Make anew in a forked worker what it must not share with the others."""

    @classmethod
    def request_limit(cls) -> Callable[[float], AbstractContextManager[object]] | None:
        """What interrupts a request: seconds -> a block in which `RequestTimedOut` is raised after them. None where
        nothing can."""
        return None

    @abstractmethod
    def serve(self, lifecycle: Lifecycle) -> None:
        """Serve until `lifecycle.should_stop`, drain, return. Calls `lifecycle.ready` once it really accepts."""

    @property
    def status(self) -> str:
        """One line for the supervisor."""
        return f"serving with {self.name}"

    @property
    def is_multiprocess(self) -> bool:
        """`wsgi.multiprocess`: as told, else whether another process may accept on our sockets too."""
        told = self.settings.multiprocess
        return any(listener.is_shared for listener in self.listeners) if told is None else told

    @property
    def server_header(self) -> str:
        """The value of the `Server` header, '' for none."""
        told = self.settings.server_header
        return f"chaussette ({self.name})" if told is None else told
