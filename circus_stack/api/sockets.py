"""Listening sockets as an embedding program declares them: Circus's constructor, our record."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from typing import Any

from circus_stack.config.option import spellings
from circus_stack.config.schema import SocketConfig

# Keys that Circus took and that mean nothing here.
_WITHOUT_EFFECT = frozenset({"use_papa", "name"})


class CircusSocket:
    """A socket that the arbiter opens for its watchers. Options are those of a `[socket:NAME]` section, as texts or
    plain values; `family` and `type` may be the numbers of the module socket. Raises ValueError."""

    def __init__(self, name: str = "", host: str = "localhost", port: int = 8080, **options: Any) -> None:
        values = {"host": host, "port": port, **options}
        self.config = SocketConfig(name=name.lower(), **_fields(values))

    @classmethod
    def load_from_config(cls, config: Mapping[str, Any]) -> CircusSocket:
        """A socket from a dict of its options."""
        return cls(**config)

    def __getattr__(self, name: str) -> Any:
        config = self.__dict__.get("config")
        if config is None:
            raise AttributeError(name)
        return getattr(config, name)

    @property
    def location(self) -> str:
        """`HOST:PORT`, or the path."""
        return self.config.path or f"{self.config.host}:{self.config.port}"

    def __repr__(self) -> str:
        return f"socket {self.config.name!r} at {self.location}"


class CircusSockets(dict[str, CircusSocket]):
    """Sockets by name."""

    def __init__(self, sockets: Iterable[CircusSocket] | None = None, backlog: int = 2048) -> None:
        super().__init__({each.name: each for each in sockets or ()})
        self.backlog = backlog

    def add(self, name: str, **options: Any) -> CircusSocket:
        """Declare one more."""
        self[name.lower()] = made = CircusSocket(name, **{"backlog": self.backlog, **options})
        return made


def _fields(values: Mapping[str, Any]) -> dict[str, Any]:
    declared = spellings(SocketConfig)
    found: dict[str, Any] = {}
    for key, value in values.items():
        if key in _WITHOUT_EFFECT or value is None:
            continue
        if key not in declared:
            raise ValueError(f"{key!r} is no option of a socket; legal: {', '.join(declared)}")
        option = declared[key]
        text = value.name if isinstance(value, socket.AddressFamily | socket.SocketKind) else _text(key, value)
        try:
            found[option.name] = option.kind.parse(text)
        except ValueError:
            raise ValueError(f"{key}: found {value!r}; legal: {option.kind.legal}") from None
    return found


def _text(key: str, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and key in ("umask", "mode"):
        # Texts are octal.
        return f"{value:o}"
    if isinstance(value, int) and key == "family":
        return socket.AddressFamily(value).name
    if isinstance(value, int) and key == "type":
        return socket.SocketKind(value).name
    return str(value)
