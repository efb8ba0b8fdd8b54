"""Listening sockets at the public addresses of control. Opens and names them, accepts nobody."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import os
import pwd
import socket
import stat
from pathlib import Path

from circus_stack.control.endpoint import check_endpoint
from circus_stack.errors import SocketError

_IN_USE = "it is in use; is another circusd or circus-stack running there?"
_BAD_PORT = "a port is between 0 and 65535"
# Who finds it full waits, and is told so by the kernel.
_BACKLOG = 128


def listen(endpoint: str, owner: str | None, *, has_keys: bool) -> tuple[socket.socket, str]:
    """Listen, and tell the real endpoint (with the port that the kernel gave for 0 or *). Raises SocketError.

    The file of an ipc endpoint is made with mode 0600, whatever directory it is in, and given to `owner`.
    """
    address = check_endpoint(endpoint, has_keys=has_keys)
    try:
        if address.startswith("ipc://"):
            return _at_path(address[6:], endpoint, owner), address
        return _at_port(address.removeprefix("tcp://"))
    except OSError as error:
        raise SocketError(f"cannot listen at {endpoint}: {_reason(error, address)}") from None


def _at_port(address: str) -> tuple[socket.socket, str]:
    host, _, port = address.rpartition(":")
    if port != "*" and not (port.isascii() and port.isdecimal()):
        raise OSError(errno.EINVAL, _BAD_PORT)
    ip = _ip(host.strip("[]"))
    listener = socket.socket(socket.AF_INET if ip.version == 4 else socket.AF_INET6)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if ip.version == 6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((str(ip), 0 if port == "*" else int(port)))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OverflowError:
        listener.close()
        raise OSError(errno.EINVAL, _BAD_PORT) from None
    except BaseException:
        listener.close()
        raise
    name = str(ip) if ip.version == 4 else f"[{ip}]"
    return listener, f"tcp://{name}:{listener.getsockname()[1]}"


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address, `*` for all of IPv4, or the name of an interface."""
    if host == "*":
        return ipaddress.IPv4Address(0)
    # Here, since it takes its time to import.
    import psutil

    for each in psutil.net_if_addrs().get(host, ()):
        if each.family == socket.AF_INET:
            return ipaddress.ip_address(each.address)
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        raise OSError(errno.EINVAL, f"{host!r} is neither an address nor an interface of this machine") from None


def _at_path(path: str, endpoint: str, owner: str | None) -> socket.socket:
    if _is_served(path):
        # Its file would be taken away from whoever listens there.
        raise SocketError(f"cannot listen at {endpoint}: {_IN_USE}")
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX)
    # Another mode would be open to others between the bind and a chmod.
    before = os.umask(0o177)
    try:
        listener.bind(path)
        if owner is not None:
            _give(path, owner)
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except SocketError:
        Path(path).unlink()
        listener.close()
        raise
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
    return listener


def _remove_stale(path: str) -> None:
    """The file that a listener which was killed has left."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(Path(path).lstat().st_mode):
            Path(path).unlink()


def _give(path: str, owner: str) -> None:
    """Let another user have the file; the group stays."""
    try:
        os.chown(path, int(owner) if owner.isdecimal() else pwd.getpwnam(owner).pw_uid, -1, follow_symlinks=False)
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


def _reason(error: OSError, address: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return _IN_USE
    if address.startswith("ipc://") and not Path(address[6:]).parent.is_dir():
        return f"there is no directory {Path(address[6:]).parent}"
    return error.strerror or str(error)
