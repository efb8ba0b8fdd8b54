"""Whether anybody listens at an endpoint, for a clear word in place of a timeout; and where a published one is."""

from __future__ import annotations

import socket
from pathlib import Path

# A listener on this machine accepts at once; elsewhere a lost packet may cost this much.
_TIMEOUT_S = 1.0
_EVERYWHERE = ("*", "0.0.0.0", "[::]")


def is_reachable(endpoint: str) -> bool:
    """Try to connect to an ipc or tcp endpoint. True for what can't be tried here, since ZeroMQ may know better."""
    scheme, _, address = endpoint.partition("://")
    if scheme == "ipc":
        return _accepts_unix(address)
    host, colon, port = address.rpartition(":")
    if scheme != "tcp" or not colon or not port.isdigit():
        return True
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _accepts_unix(path: str) -> bool:
    if not Path(path).exists():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_TIMEOUT_S)
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def seen_from_here(published: str, asked: str) -> str:
    """An endpoint that an arbiter says it has, as it is reached from here: one that means all of the arbiter's
    interfaces is at the host by which the arbiter itself was asked, at the endpoint `asked`."""
    host, _, port = published.removeprefix("tcp://").rpartition(":")
    is_everywhere = published.startswith("tcp://") and host in _EVERYWHERE
    if not is_everywhere or not asked.startswith("tcp://"):
        return published
    return f"{asked.rpartition(':')[0]}:{port}"
