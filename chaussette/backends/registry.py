"""Which backends there are: the built-in ones by name, others by the entry point group `chaussette.backends`.

A backend is loaded when it is used. What a missing one needs stands in the backend itself.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass

from chaussette.backends.base import Backend
from chaussette.errors import BackendError

GROUP = "chaussette.backends"
# Known without reading installed metadata, which takes longer than importing the whole of chaussette.
BUILT_IN = {
    "wsgiref": "chaussette.backends.wsgiref_backend:WsgirefBackend",
    "waitress": "chaussette.backends.waitress_backend:WaitressBackend",
    "gevent": "chaussette.backends.gevent_backend:GeventBackend",
    "fastgevent": "chaussette.backends.fastgevent.backend:FastGeventBackend",
    "meinheld": "chaussette.backends.meinheld_backend:MeinheldBackend",
    "eventlet": "chaussette.backends.eventlet_backend:EventletBackend",
    "bjoern": "chaussette.backends.bjoern_backend:BjoernBackend",
}
# Chaussette 1.3's that are gone -> what serves in their place, and what it does not do that they did.
STAND_INS = {
    "geventwebsocket": (
        "gevent",
        "there is no `wsgi.websocket`: speak WebSocket with simple-websocket or python-socketio",
    ),
    "geventws4py": ("gevent", "there is no `ws4py.app`: speak WebSocket with simple-websocket or python-socketio"),
    "socketio": ("gevent", "gevent-socketio is gone: use python-socketio, a WSGI application like any other"),
    "tornado": ("waitress", "it serves WSGI callables, no tornado Application"),
}


@dataclass(frozen=True)
class BackendStatus:
    """What `--list-backends` and `circus-stack doctor` show of a backend. `reason` and `install` are '' if it works."""

    name: str
    is_available: bool
    version: str
    reason: str
    install: str


def known() -> dict[str, str]:
    """Name -> "module:Class" of every backend, built-in or installed."""
    from importlib.metadata import entry_points

    return {**{point.name: point.value for point in entry_points(group=GROUP)}, **BUILT_IN}


def stand_in(name: str) -> tuple[str, str]:
    """The backend that serves where `name` was asked for, and what to warn of; `name` and '' as a rule."""
    if name not in STAND_INS or name in known():
        return name, ""
    other, loss = STAND_INS[name]
    return other, f"{name} is no backend any more; {other} takes its place: {loss}"


def backend_class(name: str) -> type[Backend]:
    """The class of backend `name`, without its library. An unknown name is answered with those that exist."""
    where = BUILT_IN.get(name) or known().get(name)
    if where is None:
        import difflib

        near = difflib.get_close_matches(name, known(), 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise BackendError(f"there is no backend {name!r}{hint}\n{listing()}")
    module, _, attribute = where.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise BackendError(f"backend {name!r} cannot be loaded from {where}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Backend)):
        raise BackendError(f"backend {name!r}: {where} is no subclass of chaussette.backends.base.Backend")
    return found


def status(name: str) -> BackendStatus:
    """Whether backend `name` works here; imports its library, and patches nothing."""
    try:
        cls = backend_class(name)
    except BackendError as error:
        return BackendStatus(name, False, "", str(error).splitlines()[0], "")
    reason = why_unavailable(cls)
    if reason:
        return BackendStatus(name, False, "", reason, cls.install)
    return BackendStatus(name, True, _version(cls), "", "")


def statuses() -> list[BackendStatus]:
    """The status of every known backend, the built-in ones first."""
    names = [*BUILT_IN, *sorted(set(known()) - set(BUILT_IN))]
    return [status(name) for name in names]


def why_unavailable(cls: type[Backend]) -> str:
    """Why the backend's library cannot be used, '' if it can."""
    try:
        cls.import_library()
    except ModuleNotFoundError as error:
        return f"{error.name} is not installed"
    except Exception as error:  # a broken binary can raise anything
        return f"{cls.library} does not import: {error}"
    return ""


def listing() -> str:
    """Every backend, a line each: its version, or what is missing and the command that installs it."""
    return "\n".join(["backends:", *(f"  {describe(each)}" for each in statuses())])


def describe(found: BackendStatus) -> str:
    """One backend as a line of text."""
    if found.is_available:
        return f"{found.name:<10} {found.version}"
    install = f"; install it with: {found.install}" if found.install else ""
    return f"{found.name:<10} not available: {found.reason}{install}"


def _version(cls: type[Backend]) -> str:
    from importlib.metadata import PackageNotFoundError, version

    if not cls.distribution:
        return f"Python {sys.version_info.major}.{sys.version_info.minor}"
    try:
        return version(cls.distribution)
    except PackageNotFoundError:
        return "version unknown"
