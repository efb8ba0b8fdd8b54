"""Listening sockets: rebuilt from an inherited fd, or bound here; what was bound here is removed here."""

from __future__ import annotations

import _socket
import contextlib
import errno
import os
import select
import socket
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chaussette.addresses import Address
from chaussette.errors import SocketError, UsageError

# What --backlog defaults to, here as in Chaussette 1.3; the kernel cuts it to net.core.somaxconn.
DEFAULT_BACKLOG = 2048
STANDARD_FDS = 2
PROBE_S = 0.5


@dataclass(frozen=True)
class Listener:
    """A listening stream socket. `is_shared`: other processes accept on it too. `is_queue_ours`: what waits in its
    queue is served by us or by nobody, so that it is to be taken before the end.

    `path` is the unix socket file that is ours to remove, else ''; `inode` tells it from a successor's.
    """

    sock: socket.socket
    is_shared: bool
    path: str = ""
    inode: int = 0
    is_queue_ours: bool = False

    def remove_path(self) -> None:
        """Remove the socket file if it is still the one we made; safe to call twice."""
        if not self.path:
            return
        with contextlib.suppress(OSError):
            if Path(self.path).stat().st_ino == self.inode:
                Path(self.path).unlink()


def adopt(fd: int) -> Listener:
    """Rebuild the inherited listening socket `fd` with `socket.fromfd`; the family comes from the socket itself."""
    sock = _duplicate(fd)
    try:
        _require_listening_stream(sock, fd)
    except SocketError:
        sock.close()
        raise
    if fd > STANDARD_FDS:
        # The duplicate is all that is used; the original would keep the socket open after it was closed at stop.
        os.close(fd)
    _prepare(sock)
    # Of those that share an address this one is ours alone, though a successor may get it.
    is_one_of_many = sock.family != socket.AF_UNIX and bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT))
    return Listener(sock, is_shared=True, is_queue_ours=is_one_of_many)


def adopt_all(fds: Sequence[int]) -> list[Listener]:
    """Rebuild several inherited sockets; a number that stands twice is refused."""
    twice = sorted({fd for fd in fds if fds.count(fd) > 1})
    if twice:
        raise UsageError(f"fd {twice[0]} is given twice")
    return [adopt(fd) for fd in fds]


def bind(
    address: Address, *, backlog: int = DEFAULT_BACKLOG, family: str = "AF_INET", mode: int | None = None
) -> Listener:
    """Bind and listen on `address`. A unix path that nobody listens on any more is removed first.

    `mode`: permission bits of a unix socket; None leaves them to the umask.
    """
    if address.path:
        return _bind_unix(address, backlog, mode)
    infos = _resolve(address, family)
    sock = socket.socket(*infos[0][:3])
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(infos[0][4])
        sock.listen(backlog)
    except OSError as error:
        sock.close()
        raise SocketError(_bind_message(address, error)) from error
    _prepare(sock)
    return Listener(sock, is_shared=False, is_queue_ours=True)


def has_queued(fds: Sequence[int]) -> bool:
    """Whether a connection waits to be accepted on one of `fds`."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


@contextlib.contextmanager
def closing_listeners(listeners: Sequence[Listener]) -> Iterator[None]:
    """Close the sockets and remove our unix paths when the block ends."""
    try:
        yield
    finally:
        for listener in listeners:
            listener.sock.close()
            listener.remove_path()


def _duplicate(fd: int) -> socket.socket:
    """`socket.fromfd` with the socket's own family, type and protocol."""
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            raise SocketError(f"fd {fd} is not a socket: pass the number of a listening socket")
        # Python's own class, whatever was patched: eventlet's takes each socket for one of AF_INET.
        probe = _socket.socket(fileno=fd)
        try:
            return socket.fromfd(fd, probe.family, probe.type, probe.proto)
        finally:
            probe.detach()
    except OSError as error:
        if error.errno == errno.EBADF:
            raise SocketError(
                f"fd {fd} is not open in this process: the parent must open it and make it inheritable"
            ) from error
        raise SocketError(f"fd {fd} cannot be used as a listening socket: {error.strerror}") from error


def _require_listening_stream(sock: socket.socket, fd: int) -> None:
    if sock.family not in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
        raise SocketError(f"fd {fd} is a socket of family {sock.family}: AF_INET, AF_INET6 or AF_UNIX is needed")
    if sock.type != socket.SOCK_STREAM:
        raise SocketError(f"fd {fd} is a {sock.type.name} socket: HTTP needs SOCK_STREAM")
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        raise SocketError(f"fd {fd} is a socket that does not listen: the parent must call listen() on it")


def _prepare(sock: socket.socket) -> None:
    """Non-blocking, since several processes race for each connection; TCP_NODELAY for all that is accepted.

    Without TCP_NODELAY a backend that writes head and body apart waits 40 ms for a delayed ack (gevent's pywsgi does).
    """
    sock.setblocking(False)
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _resolve(
    address: Address, family: str
) -> list[tuple[socket.AddressFamily, socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]]]:
    wanted = socket.AF_INET6 if ":" in address.host or family == "AF_INET6" else socket.AF_INET
    try:
        # The system's own: under a patch, a thread would be made to ask it. Bytes: text would be looked at as IDNA.
        host = address.host.encode() if address.host.isascii() else address.host
        found = _socket.getaddrinfo(host, address.port, wanted, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise SocketError(f"cannot listen on {address}: host {address.host!r}: {error.strerror}") from error
    return found  # type: ignore[return-value]  # the stub's union also names an address form of other families


def _bind_message(address: Address, error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.errno == errno.EADDRINUSE:
        reason = "another process listens there; stop it or choose another port"
    elif error.errno == errno.EACCES and 0 < address.port < 1024:
        reason = f"port {address.port} needs root (or CAP_NET_BIND_SERVICE); choose one from 1024 on"
    elif error.errno == errno.EADDRNOTAVAIL:
        reason = "this machine has no such address"
    return f"cannot listen on {address}: {reason}"


def _bind_unix(address: Address, backlog: int, mode: int | None) -> Listener:
    _remove_stale(address)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(address.path)
        if mode is not None:
            Path(address.path).chmod(mode)
        inode = Path(address.path).stat().st_ino
        sock.listen(backlog)
    except OSError as error:
        sock.close()
        raise SocketError(_bind_message(address, error)) from error
    _prepare(sock)
    return Listener(sock, is_shared=False, path=str(Path(address.path).absolute()), inode=inode, is_queue_ours=True)


def _remove_stale(address: Address) -> None:
    """Remove a socket file that a dead server left; refuse one that is in use, or that is no socket."""
    try:
        mode = Path(address.path).stat().st_mode
    except OSError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketError(f"cannot listen on {address}: the file exists and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(address.path)
        except ConnectionRefusedError:
            Path(address.path).unlink()
            return
        except OSError as error:
            raise SocketError(f"cannot listen on {address}: {error.strerror or error}") from error
    raise SocketError(f"cannot listen on {address}: another process listens there")
