"""Chaussette 1.3's registry, for programs that make servers by themselves: names -> classes with `serve_forever`.

A backend for the command line, or for an ini, is an entry point: see `backends/registry.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chaussette.backends import registry
from chaussette.embedding import EmbeddedServer

ServerClass = Callable[..., Any]
_registered: dict[str, ServerClass] = {}


def register(name: str, server: ServerClass) -> None:
    """Have `make_server` know `name`. `server((host, port), app, backlog=..., address_family=..., socket_type=...)`
    makes an object with `serve_forever`."""
    _registered[name] = server


def get(name: str) -> ServerClass:
    """The class of that name; of our own backends one that can be called in the same way. Raises BackendError."""
    if name in _registered:
        return _registered[name]
    found = registry.backend_class(registry.stand_in(name)[0]).name
    return type(f"{found.capitalize()}Server", (EmbeddedServer,), {"backend_name": found})


def backends() -> list[str]:
    """The names of those that can be used here, sorted: what is registered, and those whose library is there."""
    usable = {each.name for each in registry.statuses() if each.is_available}
    return sorted({*_registered, *usable})
