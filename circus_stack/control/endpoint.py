"""Where control may listen: the check of an endpoint, and the binding of a socket to it."""

from __future__ import annotations

import ipaddress
import os
import pwd
import socket
from pathlib import Path
from typing import Any

import zmq

from circus_stack.config.check_endpoints import ABSTRACT
from circus_stack.control.guard import Guard, is_guarded
from circus_stack.errors import SocketError

# Circus's default ports, named in errors as an example of a safe endpoint.
_EXAMPLE = "tcp://127.0.0.1:5555"
_IN_USE = "it is in use; is another circusd or circus-stack running there?"
# Who connects and says nothing that ZeroMQ understands is disconnected; libzmq's own default is three times that.
_HANDSHAKE_MS = 10_000


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


def bind(zmq_socket: zmq.Socket[Any], endpoint: str, owner: str | None = None, guard: Guard | None = None) -> str:
    """Bind, and tell the real endpoint (with the port that the kernel gave for 0 or *). Raises SocketError.

    The file of an ipc endpoint is made with mode 0600, whatever directory it is in, and given to `owner`. A guard
    stands before a TCP endpoint; then the socket is bound to the private one beside it, too.
    """
    zmq_socket.setsockopt(zmq.HANDSHAKE_IVL, _HANDSHAKE_MS)
    if guard is not None and is_guarded(endpoint):
        # In this order: what is set for CURVE cannot be taken back, and counts for what is bound from then on.
        _bind(zmq_socket, guard.beside, None, has_keys=False)
        guard.stand_before(zmq_socket)
        return _bind(zmq_socket, endpoint, owner, has_keys=True)
    return _bind(zmq_socket, endpoint, owner, has_keys=False)


def _bind(zmq_socket: zmq.Socket[Any], endpoint: str, owner: str | None, *, has_keys: bool) -> str:
    address = check_endpoint(endpoint, has_keys=has_keys)
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
