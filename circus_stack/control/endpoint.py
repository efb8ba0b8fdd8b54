"""Where control may listen: the check of an endpoint. Opens nothing."""

from __future__ import annotations

import ipaddress

from circus_stack.config.check_endpoints import ABSTRACT
from circus_stack.errors import SocketError

# Circus's default ports, named in errors as an example of a safe endpoint.
_EXAMPLE = "tcp://127.0.0.1:5555"


def check_endpoint(endpoint: str, *, has_keys: bool = False) -> str:
    """The endpoint in the form that libzmq binds. Raises SocketError for one that isn't safe or isn't understood.

    Whoever reaches the endpoint can run commands as the arbiter's user: without keys only a unix socket or the
    loopback interface is let through.
    """
    scheme, separator, address = endpoint.partition("://")
    if scheme == "ipc" and separator and address:
        if address.startswith("@"):
            raise SocketError(f"endpoint {endpoint!r} {ABSTRACT}: use ipc://PATH")
        return endpoint
    if scheme != "tcp" or not separator:
        raise SocketError(f"endpoint {endpoint!r} is neither ipc://PATH nor tcp://HOST:PORT, as in {_EXAMPLE}")
    host, colon, port = address.rpartition(":")
    if not colon or not (port == "*" or port.isdigit()):
        raise SocketError(f"endpoint {endpoint!r} has no port: write it as {_EXAMPLE}")
    if has_keys:
        return f"tcp://{'127.0.0.1' if host.lower() == 'localhost' else host}:{port}"
    return f"tcp://{_loopback(host, endpoint)}:{port}"


def _loopback(host: str, endpoint: str) -> str:
    if host.lower() == "localhost":
        return "127.0.0.1"
    try:
        is_loopback = ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise SocketError(
            f"endpoint {endpoint!r} is open to the network: whoever reaches it can run commands as this user. "
            f"Use ipc://PATH or a loopback address such as {_EXAMPLE}, and an ssh tunnel from elsewhere; or make keys "
            f"with circus-stack keygen server, and set keys_dir in [circus]"
        )
    return host
