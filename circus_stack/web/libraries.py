"""The libraries of the web console, which come with an extra: which of them are missing, without importing any."""

from __future__ import annotations

import importlib.util

_NEEDED = ("gevent", "bottle", "socketio", "simple_websocket", "itsdangerous", "argon2")
INSTALL = "pip install 'circus-stack[web]'"


def missing_libraries() -> list[str]:
    """Names of modules."""
    return [name for name in _NEEDED if importlib.util.find_spec(name) is None]
