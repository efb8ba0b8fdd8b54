"""Where control may listen: the check of an endpoint, and the binding of a socket to it."""

from __future__ import annotations

import ipaddress
import os
import pwd
import socket
from pathlib import Path
from typing import Any

import zmq

from circus_stack.errors import SocketError

# Circus's default ports, named in errors as an example of a safe endpoint.
_EXAMPLE = "tcp://127.0.0.1:5555"
_IN_USE = "it is in use; is another circusd or circus-stack running there?"


def check_endpoint(endpoint: str) -> str:
    """The endpoint in the form that libzmq binds. Raises SocketError for one that isn't safe or isn't understood.

    Whoever reaches the endpoint can run commands as the arbiter's user: only a unix socket or the loopback interface
    is let through.
    """
    scheme, separator, address = endpoint.partition("://")
    if scheme == "ipc" and separator and address:
        return endpoint
    if scheme != "tcp" or not separator:
        raise SocketError(f"endpoint {endpoint!r} is neither ipc://PATH nor tcp://HOST:PORT, as in {_EXAMPLE}")
    host, colon, port = address.rpartition(":")
    if not colon or not (port == "*" or port.isdigit()):
        raise SocketError(f"endpoint {endpoint!r} has no port: write it as {_EXAMPLE}")
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
            f"Use ipc://PATH or a loopback address such as {_EXAMPLE}, and an ssh tunnel from elsewhere"
        )
    return host


def bind(zmq_socket: zmq.Socket[Any], endpoint: str, owner: str | None = None) -> str:
    """Bind, and tell the real endpoint (with the port that the kernel gave for 0 or *). Raises SocketError.

    The file of an ipc endpoint is made with mode 0600, whatever directory it is in, and given to `owner`.
    """
    address = check_endpoint(endpoint)
    if address.startswith("ipc://") and _is_served(address[6:]):
        # ZeroMQ would take the file away from whoever listens there, without a word.
        raise SocketError(f"cannot listen at {endpoint}: {_IN_USE}")
    if "[" in address:
        zmq_socket.setsockopt(zmq.IPV6, 1)
    # Another mode would be open to others between the bind and a chmod.
    before = os.umask(0o177)
    try:
        zmq_socket.bind(address)
    except zmq.ZMQError as error:
        raise SocketError(f"cannot listen at {endpoint}: {_reason(error, address)}") from None
    finally:
        os.umask(before)
    bound = zmq_socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")
    if owner is not None and bound.startswith("ipc://"):
        _give(bound[6:], owner)
    return bound


def _give(path: str, owner: str) -> None:
    """Let another user have the file; the group stays."""
    try:
        os.chown(path, int(owner) if owner.isdecimal() else pwd.getpwnam(owner).pw_uid, -1)
    except KeyError:
        raise SocketError(f"endpoint_owner {owner!r} is no user of this machine") from None
    except OSError as error:
        raise SocketError(f"endpoint_owner {owner!r} cannot be given {path}: {error.strerror}") from None


def _is_served(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(path)
        except BlockingIOError:
            # Its queue is full: somebody listens, and is slow.
            return True
        except OSError:
            return False
    return True


def _reason(error: zmq.ZMQError, address: str) -> str:
    if error.errno == zmq.EADDRINUSE:
        return _IN_USE
    if address.startswith("ipc://") and not Path(address[6:]).parent.is_dir():
        return f"there is no directory {Path(address[6:]).parent}"
    return error.strerror or str(error)
