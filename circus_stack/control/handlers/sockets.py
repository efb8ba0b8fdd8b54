"""The listening sockets: listsockets."""

from __future__ import annotations

from typing import Any

from circus_stack.arbiter.binding import is_laned
from circus_stack.arbiter.launch import inherited_sockets
from circus_stack.arbiter.sockets import SocketView
from circus_stack.config.schema import WatcherConfig
from circus_stack.control.desk import Desk

Fields = dict[str, Any]


def listsockets(desk: Desk, _properties: Fields) -> Fields:
    """`sockets`: fd, name, backlog, path or host and port, and the watchers whose processes get it, by fd."""
    views = sorted(desk.arbiter.sockets(), key=lambda view: view.fd)
    used = _used(desk, [view.name for view in views])
    return {"sockets": [_fields(view, [name for name in used if view.name in used[name]]) for view in views]}


def _used(desk: Desk, names: list[str]) -> dict[str, frozenset[str]]:
    """The sockets of each watcher that has any."""
    laned = frozenset(each.name for each in desk.arbiter.stack.sockets if is_laned(each))
    configs = [desk.arbiter.config(name) for name in desk.arbiter.names()]
    used = {config.name: _sockets_of(config, names, laned) for config in configs}
    return {name: each for name, each in used.items() if each}


def _sockets_of(config: WatcherConfig, names: list[str], laned: frozenset[str]) -> frozenset[str]:
    stdin = frozenset(name for name in names if name.lower() == (config.stdin_socket or "").lower())
    inherited = inherited_sockets(config, dict.fromkeys(names), laned) if config.use_sockets else frozenset()
    return inherited | stdin


def _fields(view: SocketView, watchers: list[str]) -> Fields:
    place = {"host": view.host, "port": view.port} if view.path is None else {"path": view.path}
    return {"fd": view.fd, "name": view.name, "backlog": view.backlog, **place, "watchers": watchers}
