"""The address of a web console, as a browser of this machine reaches it. Pure."""

from __future__ import annotations

import shlex

# A socket of ours on :: is one of IPv6 alone.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def console_address(host: str, port: int, cmd: str) -> str:
    """Without a slash at its end. `cmd` is the command of its watcher: https, and a path that a proxy leaves in
    place."""
    host = _EVERYWHERE.get(host, host)
    words = shlex.split(cmd)
    scheme = "https" if "--certfile" in words else "http"
    prefix = words[words.index("--prefix") + 1] if "--prefix" in words else ""
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{prefix.rstrip('/')}"
