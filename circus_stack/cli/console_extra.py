"""Whether the libraries of the web console are installed, said in one line where they are not."""

from __future__ import annotations

import importlib.util

import click

_NEEDED = ("gevent", "bottle", "socketio", "simple_websocket", "itsdangerous", "argon2")
_INSTALL = "pip install 'circus-stack[web]'"


def missing_libraries() -> list[str]:
    """Names of modules; nothing is imported."""
    return [name for name in _NEEDED if importlib.util.find_spec(name) is None]


def require_libraries() -> None:
    """Raise click's error that says how to have them."""
    missing = missing_libraries()
    if missing:
        raise click.ClickException(f"the console needs {', '.join(missing)}: {_INSTALL}")
