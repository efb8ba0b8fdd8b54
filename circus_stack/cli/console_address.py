"""The address of a web console, as a browser of this machine reaches it. Pure."""

from __future__ import annotations

import shlex

# A socket of ours on :: is one of IPv6 alone.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def console_address(host: str, port: int, cmd: str) -> str:
    """Without a slash at its end. `cmd` is the command of its watcher: https, and a path that a proxy leaves in
    place."""
    words = shlex.split(cmd)
    prefix = words[words.index("--prefix") + 1] if "--prefix" in words else ""
    return address_at(host, port, is_https="--certfile" in words, prefix=prefix)


def address_at(host: str, port: int, *, is_https: bool, prefix: str) -> str:
    """That of a console on a host and port, below a path; without a slash at its end."""
    host = _EVERYWHERE.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if is_https else 'http'}://{shown}:{port}{prefix.rstrip('/')}"
