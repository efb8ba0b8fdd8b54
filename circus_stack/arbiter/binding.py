"""From the declaration of a socket to a bound one: one way for addresses, one for paths. Keeps nothing."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path

from circus_stack.config.schema import SocketConfig
from circus_stack.errors import SocketError, SpawnError
from circus_stack.system.holder import describe_port_holder
from circus_stack.system.identity import resolve_owner

_FAMILIES = {"AF_INET": socket.AF_INET, "AF_INET6": socket.AF_INET6, "AF_UNIX": socket.AF_UNIX}
_TYPES = {
    "SOCK_STREAM": socket.SOCK_STREAM,
    "SOCK_DGRAM": socket.SOCK_DGRAM,
    "SOCK_SEQPACKET": socket.SOCK_SEQPACKET,
}

_LAST_PORT = 65_535


def is_laned(config: SocketConfig) -> bool:
    """Whether each process gets a socket of its own: the kernel divides those of an address, not those of a path."""
    return config.so_reuseport and config.path is None


def listens(config: SocketConfig) -> bool:
    """Whether there is a queue of connections; datagrams come without one."""
    return config.type != "SOCK_DGRAM"


def family_of(config: SocketConfig) -> socket.AddressFamily:
    """What `path`, a colon in `host` and `family` come to."""
    if config.path is not None:
        return socket.AF_UNIX
    return socket.AF_INET6 if ":" in config.host else _FAMILIES[config.family]


def type_of(config: SocketConfig) -> socket.SocketKind:
    """The kind of socket."""
    return _TYPES[config.type]


def open_socket(config: SocketConfig, port: int | None = None) -> socket.socket:
    """A bound socket, which listens if it is of a type that does; `port` in place of the declared one.

    Raises SocketError that names the address and, where it is in use, its holder. Blocks as long as a name takes to
    resolve, and while /proc is searched for a holder.
    """
    sock = _new_socket(config)
    try:
        if config.path is not None:
            _bind_path(config, config.path, sock)
        else:
            _bind_address(config, _port_of(config) if port is None else port, sock)
    except BaseException:
        sock.close()
        raise
    sock.setblocking(config.blocking)
    return sock


def _new_socket(config: SocketConfig) -> socket.socket:
    try:
        return socket.socket(family_of(config), type_of(config), config.proto)
    except OSError as error:
        kind = f"{family_of(config).name}, {config.type}, proto {config.proto}"
        raise SocketError(f"socket {config.name!r}: cannot make a socket of {kind}: {error.strerror}") from error


# -- addresses ----------------------------------------------------------------------------------------------------


def resolve(config: SocketConfig, port: int) -> tuple[object, ...]:
    """The address as the kernel knows it; raises SocketError for a host without one."""
    try:
        # The type is left open: a resolver knows no SOCK_SEQPACKET, and the address is the same.
        found = socket.getaddrinfo(config.host, port, family_of(config), 0, 0, socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise SocketError(f"socket {config.name!r}: no address for host {config.host!r}: {error.strerror}") from error
    return found[0][4]


def _port_of(config: SocketConfig) -> int:
    return _first_free_port(config) if config.spare_ports else config.port


def _first_free_port(config: SocketConfig) -> int:
    """The declared port, or the first of the next ones that nobody has; the declared one where all are taken."""
    for port in range(config.port, min(config.port + config.spare_ports, _LAST_PORT) + 1):
        # Another socket for each: one that could be bound and not listen is bound for good.
        with _new_socket(config) as probe:
            try:
                _listen_at(config, port, probe)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
        return port
    return config.port


def _bind_address(config: SocketConfig, port: int, sock: socket.socket) -> None:
    try:
        _listen_at(config, port, sock)
    except OSError as error:
        raise SocketError(_explain(config, port, error)) from error


def _listen_at(config: SocketConfig, port: int, sock: socket.socket) -> None:
    address = resolve(config, port)
    _set_options(config, sock)
    sock.bind(address)
    if listens(config):
        sock.listen(config.backlog)


def _set_options(config: SocketConfig, sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if is_laned(config):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if sock.type is socket.SOCK_STREAM:
        with contextlib.suppress(OSError):
            # Inherited by accepted connections: a server that writes head and body apart would otherwise wait 40 ms
            # for the peer's delayed ack on each keep-alive response. Another protocol than TCP doesn't know it.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if config.interface is not None:
        _bind_to_interface(config, config.interface, sock)


def _bind_to_interface(config: SocketConfig, interface: str, sock: socket.socket) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, os.fsencode(interface) + b"\0")
    except OSError as error:
        names = ", ".join(name for _, name in socket.if_nameindex())
        reason = f"there is none of that name, only {names}" if error.errno == errno.ENODEV else error.strerror
        raise SocketError(f"socket {config.name!r}: cannot bind to the interface {interface!r}: {reason}") from error


def _explain(config: SocketConfig, port: int, error: OSError) -> str:
    host = f"[{config.host}]" if ":" in config.host else config.host
    verb = "listen on" if listens(config) else "bind"
    text = f"socket {config.name!r}: cannot {verb} {host}:{port}: {os.strerror(error.errno or 0)}"
    if error.errno == errno.EADDRINUSE:
        holder = describe_port_holder(port, is_udp=not listens(config))
        return f"{text}, {holder}" if holder else text
    if error.errno == errno.EACCES and port < 1024:
        return f"{text}; ports below 1024 need root or CAP_NET_BIND_SERVICE"
    return text


# -- paths --------------------------------------------------------------------------------------------------------


def _bind_path(config: SocketConfig, path: str, sock: socket.socket) -> None:
    try:
        _make_room(config, Path(path))
        sock.bind(path)
        # Before listen(), so that nobody connects under the wrong mode.
        set_permissions(config, path)
        if listens(config):
            sock.listen(config.backlog)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SocketError(f"socket {config.name!r}: cannot listen on {path}: {reason}") from error


def set_permissions(config: SocketConfig, path: str) -> None:
    """Give a socket's file the owner, group and mode of its declaration. Raises SocketError, OSError."""
    if config.owner is not None or config.group is not None:
        try:
            uid, gid = resolve_owner(config.owner, config.group)
        except SpawnError as error:
            raise SocketError(f"socket {config.name!r}: {error}") from error
        os.chown(path, uid, gid)
    mode = config.mode
    if mode is None and config.umask is not None:
        # Not the process's own umask: threads that make files would have it, too.
        mode = 0o777 & ~config.umask
    if mode is not None:
        Path(path).chmod(mode)


def _make_room(config: SocketConfig, path: Path) -> None:
    """Remove a socket's file that nobody listens on any more, or with `replace` that of whomever; whatever else stands
    there is somebody's."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketError(f"socket {config.name!r}: {path} exists and is not a socket; it is left alone")
    if config.replace:
        path.unlink(missing_ok=True)
    else:
        _remove_stale(config, path)


def _remove_stale(config: SocketConfig, path: Path) -> None:
    with socket.socket(socket.AF_UNIX, type_of(config) | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(str(path))
        except BlockingIOError:
            # Its queue is full: somebody has it, and doesn't get round to accept. To wait would tell nothing more.
            pass
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            raise SocketError(f"socket {config.name!r}: {path} is in use: {error.strerror}") from error
    raise SocketError(f"socket {config.name!r}: another process listens on {path}; replace = True takes it over")
