"""The sockets of the stack: bound once or taken over from a supervisor, owned here, inherited by whoever uses them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from circus_stack.arbiter.activation import Given, describe, match
from circus_stack.arbiter.binding import is_laned, listens, open_socket, set_permissions
from circus_stack.arbiter.handover.record import SocketRecord
from circus_stack.arbiter.lanes import Lanes
from circus_stack.config.schema import SocketConfig
from circus_stack.errors import SocketError

log = logging.getLogger(__name__)


class SocketView(Struct, frozen=True):
    """What others may see of a socket; `port` is the one that the kernel gave where 0 was asked for."""

    name: str
    fd: int
    host: str
    port: int
    path: str | None
    backlog: int
    family: str


class ListeningSocket:
    """One bound socket with the declaration that it was made from; of so_reuseport, one for each process."""

    def __init__(self, config: SocketConfig, sock: socket.socket, *, is_given: bool = False) -> None:
        self.config = config
        self._socket = sock
        self._is_given = is_given
        self._lanes = Lanes(sock, self._open_lane) if is_laned(config) and not is_given else None

    @property
    def fd(self) -> int:
        return self._socket.fileno()

    @property
    def is_laned(self) -> bool:
        """Whether each process has a socket of its own."""
        return self._lanes is not None

    def lane_fd(self, watcher: str, lane: int) -> int:
        """The descriptor for one process of a watcher. Raises SocketError where one more cannot be bound."""
        return self.fd if self._lanes is None else self._lanes.fd(watcher, lane)

    def settle(self, watcher: str, wanted: int, alive: Collection[int]) -> None:
        """Close what a watcher that wants so many processes needs no more; see `Lanes.settle`."""
        if self._lanes is not None:
            self._lanes.settle(watcher, wanted, alive)

    def _open_lane(self) -> socket.socket:
        return open_socket(self.config, self._socket.getsockname()[1])

    def state(self) -> SocketRecord:
        """What `resumed` makes the same of, with the same descriptors."""
        lanes = None if self._lanes is None else self._lanes.state()
        return SocketRecord(config=self.config, fd=self.fd, is_given=self._is_given, lanes=lanes)

    @classmethod
    def resumed(cls, record: SocketRecord) -> ListeningSocket:
        """The socket of another arbiter, which is bound and perhaps has connections in its queue: nothing is done to
        it. Raises OSError for a descriptor that is none."""
        found = cls(record.config, socket.socket(fileno=record.fd), is_given=record.is_given)
        if found._lanes is not None and record.lanes is not None:
            found._lanes.restore(record.lanes)
        return found

    def view(self) -> SocketView:
        """A frozen copy of what it is bound to."""
        host, port = self.config.host, 0
        if self.config.path is None:
            host, port = self._socket.getsockname()[:2]
        family = socket.AddressFamily(self._socket.family).name
        return SocketView(self.config.name, self.fd, host, port, self.config.path, self.config.backlog, family)

    def takes_over(self, config: SocketConfig) -> bool:
        """Whether the same bound socket can serve another declaration: what differs can be changed while it is open."""
        return _address(config) == _address(self.config) and (not self.config.spare_ports or self._is_within(config))

    def _is_within(self, config: SocketConfig) -> bool:
        """Whether a port that was the next free one is one that a declaration allows."""
        port: int = self._socket.getsockname()[1]
        return config.port <= port <= config.port + config.spare_ports

    def adopt(self, config: SocketConfig) -> None:
        """Take the new declaration; listen() on a listening socket only changes its queue."""
        for sock in (self._socket,) if self._lanes is None else self._lanes.all():
            if listens(config):
                sock.listen(config.backlog)
            # The flag is that of everybody who has the socket: a worker may have set it its own way since.
            if config.blocking != self.config.blocking:
                sock.setblocking(config.blocking)
        if config.path is not None and not self._is_given:
            self._repermit(config, config.path)
        self.config = config

    def _repermit(self, config: SocketConfig, path: str) -> None:
        old = self.config
        if (config.mode, config.umask, config.owner, config.group) == (old.mode, old.umask, old.owner, old.group):
            return
        try:
            set_permissions(config, path)
        except (OSError, SocketError) as error:
            # The change of the configuration is past the point where it could be taken back.
            log.error("socket %r: %s keeps its owner and mode: %s", config.name, path, error)

    def leave(self) -> None:
        """Close our descriptors alone: whoever has the same socket serves on."""
        if self._lanes is not None:
            self._lanes.close()
        self._socket.close()

    def close(self) -> None:
        """Close, and remove the file of a unix socket that was made here."""
        self.leave()
        if self.config.path is not None and not self._is_given:
            with contextlib.suppress(OSError):
                Path(self.config.path).unlink()


def _address(config: SocketConfig) -> tuple[object, ...]:
    place = (config.host, config.port, config.family, config.interface) if config.path is None else (config.path,)
    return (*place, config.type, config.proto, is_laned(config))


def bind(config: SocketConfig) -> ListeningSocket:
    """Open one socket; raises SocketError that names the address and, where it is in use, its holder.

    Blocks as long as a name takes to resolve, and while /proc is searched for a holder: for a start, before the loop.
    """
    return ListeningSocket(config, open_socket(config))


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


def bind_all(configs: Iterable[SocketConfig], given: Sequence[Given] = ()) -> dict[str, ListeningSocket]:
    """Open all of them or none, but for those that a supervisor has given; raises SocketError for the first that fails.

    What was given and nobody declared is warned of and stays open: closed, its clients would be refused.
    """
    bound: dict[str, ListeningSocket] = {}
    left = list(given)
    try:
        for config in configs:
            bound[config.name] = _take(config, left) or bind(config)
    except SocketError:
        for each in bound.values():
            each.close()
        raise
    for unused in left:
        log.warning("the inherited socket %s is no socket of this file, by name or address: unused", describe(unused))
        # Open also after an upgrade of the arbiter.
        unused.sock.set_inheritable(True)
        unused.sock.detach()
    return bound


def _take(config: SocketConfig, left: list[Given]) -> ListeningSocket | None:
    found = match(config, left)
    if found is None:
        return None
    left.remove(found)
    found.sock.setblocking(config.blocking)
    taken = ListeningSocket(config, found.sock, is_given=True)
    taken.adopt(config)
    return taken


def restore_sockets(records: Iterable[SocketRecord]) -> dict[str, ListeningSocket]:
    """The sockets that another arbiter had; raises OSError for a descriptor that is none."""
    return {record.config.name: ListeningSocket.resumed(record) for record in records}


def fds(sockets: Mapping[str, ListeningSocket]) -> dict[str, int]:
    """Name -> descriptor."""
    return {name: each.fd for name, each in sockets.items()}


def laned(sockets: Mapping[str, ListeningSocket]) -> frozenset[str]:
    """The names of those of which each process has its own."""
    return frozenset(name for name, each in sockets.items() if each.is_laned)


def lane_fd(sockets: Mapping[str, ListeningSocket], name: str, watcher: str, lane: int) -> int:
    """The descriptor of a socket for one process of a watcher."""
    return sockets[name].lane_fd(watcher, lane)


def settle_lanes(sockets: Mapping[str, ListeningSocket], watcher: str, wanted: int, alive: Collection[int]) -> None:
    """What a watcher that wants so many processes needs no more is closed, in each socket."""
    for each in sockets.values():
        each.settle(watcher, wanted, alive)
