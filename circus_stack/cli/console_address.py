"""The address of a web console, as a browser of this machine reaches it. Pure."""

from __future__ import annotations

# A socket of ours on :: is one of IPv6 alone.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def console_address(host: str, port: int) -> str:
    """Without a slash at its end."""
    host = _EVERYWHERE.get(host, host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
