"""The listening sockets of the stack: bound once, owned here, inherited by whoever uses them."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from circus_stack.config.schema import SocketConfig
from circus_stack.errors import SocketError
from circus_stack.system.holder import describe_port_holder


@dataclass(frozen=True, slots=True)
class SocketView:
    """What others may see of a socket; `port` is the one that the kernel gave where 0 was asked for."""

    name: str
    fd: int
    host: str
    port: int
    path: str | None
    backlog: int
    family: str


class ListeningSocket:
    """One bound, listening socket with the declaration that it was made from."""

    def __init__(self, config: SocketConfig, sock: socket.socket) -> None:
        self.config = config
        self._socket = sock

    @property
    def fd(self) -> int:
        return self._socket.fileno()

    def view(self) -> SocketView:
        """A frozen copy of what it is bound to."""
        host, port = self.config.host, 0
        if self.config.path is None:
            host, port = self._socket.getsockname()[:2]
        family = socket.AddressFamily(self._socket.family).name
        return SocketView(self.config.name, self.fd, host, port, self.config.path, self.config.backlog, family)

    def takes_over(self, config: SocketConfig) -> bool:
        """Whether the same bound socket can serve another declaration: only the length of its queue differs."""
        same = (config.host, config.port, config.path, config.family)
        return same == (self.config.host, self.config.port, self.config.path, self.config.family)

    def adopt(self, config: SocketConfig) -> None:
        """Take the new declaration; listen() on a listening socket only changes its queue."""
        self._socket.listen(config.backlog)
        if config.path is not None and config.mode is not None:
            Path(config.path).chmod(config.mode)
        self.config = config

    def close(self) -> None:
        """Close, and remove the file of a unix socket."""
        self._socket.close()
        if self.config.path is not None:
            with contextlib.suppress(OSError):
                Path(self.config.path).unlink()


def bind(config: SocketConfig) -> ListeningSocket:
    """Open one socket; raises SocketError that names the address and, where it is in use, its holder.

    Blocks as long as a name takes to resolve, and while /proc is searched for a holder: for a start, before the loop.
    """
    if config.path is not None:
        return ListeningSocket(config, _bind_unix(config, config.path))
    return ListeningSocket(config, _bind_tcp(config))


async def bind_aside(config: SocketConfig) -> ListeningSocket:
    """The same as `bind`, in a thread: names are resolved and holders are looked for without holding up the loop.

    When cancelled, what the thread still binds is closed again.
    """
    binding = asyncio.get_running_loop().run_in_executor(None, bind, config)
    try:
        return await asyncio.shield(binding)
    except asyncio.CancelledError:
        binding.add_done_callback(_close_unwanted)
        raise


def _close_unwanted(binding: asyncio.Future[ListeningSocket]) -> None:
    if binding.exception() is None:
        binding.result().close()


def bind_all(configs: Iterable[SocketConfig]) -> dict[str, ListeningSocket]:
    """Open all of them or none; raises SocketError for the first that fails."""
    bound: dict[str, ListeningSocket] = {}
    try:
        for config in configs:
            bound[config.name] = bind(config)
    except SocketError:
        for each in bound.values():
            each.close()
        raise
    return bound


def fds(sockets: Mapping[str, ListeningSocket]) -> dict[str, int]:
    """Name -> descriptor."""
    return {name: each.fd for name, each in sockets.items()}


def _bind_tcp(config: SocketConfig) -> socket.socket:
    family = socket.AF_INET6 if config.family == "AF_INET6" or ":" in config.host else socket.AF_INET
    try:
        address = socket.getaddrinfo(config.host, config.port, family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)[0][4]
    except socket.gaierror as error:
        raise SocketError(f"socket {config.name!r}: no address for host {config.host!r}: {error.strerror}") from error
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by accepted connections: a server that writes head and body apart would otherwise wait 40 ms
        # for the peer's delayed ack on each keep-alive response.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(config.backlog)
    except OSError as error:
        sock.close()
        raise SocketError(_explain_tcp(config, error)) from error
    sock.setblocking(False)
    return sock


def _explain_tcp(config: SocketConfig, error: OSError) -> str:
    host = f"[{config.host}]" if ":" in config.host else config.host
    text = f"socket {config.name!r}: cannot listen on {host}:{config.port}: {os.strerror(error.errno or 0)}"
    if error.errno == errno.EADDRINUSE:
        holder = describe_port_holder(config.port)
        return f"{text}, {holder}" if holder else text
    if error.errno == errno.EACCES and config.port < 1024:
        return f"{text}; ports below 1024 need root or CAP_NET_BIND_SERVICE"
    return text


def _bind_unix(config: SocketConfig, path: str) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(config, Path(path))
        sock.bind(path)
        if config.mode is not None:
            # Before listen(), so that nobody connects under the wrong mode.
            Path(path).chmod(config.mode)
        sock.listen(config.backlog)
    except OSError as error:
        sock.close()
        reason = error.strerror or str(error)
        raise SocketError(f"socket {config.name!r}: cannot listen on {path}: {reason}") from error
    except SocketError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def _remove_stale(config: SocketConfig, path: Path) -> None:
    """Remove a socket's file that nobody listens on any more; whatever else stands there is somebody's."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise SocketError(f"socket {config.name!r}: {path} exists and is not a socket; it is left alone")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
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
    raise SocketError(f"socket {config.name!r}: another process listens on {path}")
