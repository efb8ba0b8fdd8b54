"""The listening sockets: listsockets."""

from __future__ import annotations

from typing import Any

from circus_stack.arbiter.sockets import SocketView
from circus_stack.control.desk import Desk

Fields = dict[str, Any]


def listsockets(desk: Desk, _properties: Fields) -> Fields:
    """`sockets`: fd, name, backlog, and path or host and port, by fd."""
    return {"sockets": [_fields(view) for view in sorted(desk.arbiter.sockets(), key=lambda view: view.fd)]}


def _fields(view: SocketView) -> Fields:
    place = {"host": view.host, "port": view.port} if view.path is None else {"path": view.path}
    return {"fd": view.fd, "name": view.name, "backlog": view.backlog, **place}
