"""Sockets that a supervisor such as systemd has opened for the arbiter: LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterable, Mapping

from msgspec import Struct

from circus_stack.arbiter.binding import family_of, resolve, type_of
from circus_stack.config.schema import SocketConfig
from circus_stack.errors import SocketError

log = logging.getLogger(__name__)

# sd_listen_fds(3).
_FIRST_FD = 3


class Given(Struct, frozen=True):
    """One inherited socket; `name` is empty where the supervisor gave none."""

    name: str
    sock: socket.socket


def take_given(environ: Mapping[str, str], pid: int | None = None) -> list[Given]:
    """The sockets that are meant for this process; none where the variables are another's, or make no sense.

    Call it once: the descriptors are closed with the result.
    """
    if environ.get("LISTEN_PID") != str(os.getpid() if pid is None else pid):
        return []
    try:
        count = int(environ.get("LISTEN_FDS", ""))
    except ValueError:
        log.warning("LISTEN_FDS is %r, not a number: no socket is taken over", environ.get("LISTEN_FDS"))
        return []
    names = environ.get("LISTEN_FDNAMES", "").split(":")
    given = (_take(_FIRST_FD + index, names[index] if index < len(names) else "") for index in range(count))
    return [each for each in given if each is not None]


def _take(fd: int, name: str) -> Given | None:
    try:
        os.set_inheritable(fd, False)
        return Given(name, socket.socket(fileno=fd))
    except OSError as error:
        log.warning("LISTEN_FDS: descriptor %d (%s) is no socket: %s", fd, name or "without a name", error.strerror)
        return None


def match(config: SocketConfig, given: Iterable[Given]) -> Given | None:
    """The one that a declaration means: of its name, or else at its address."""
    fitting = [each for each in given if _fits(config, each.sock)]
    by_name = (each for each in fitting if each.name.lower() == config.name.lower())
    by_address = (each for each in fitting if _is_at(config, each.sock))
    return next(by_name, None) or next(by_address, None)


def _fits(config: SocketConfig, sock: socket.socket) -> bool:
    is_unix = sock.family == socket.AF_UNIX
    return sock.type == type_of(config) and is_unix == (config.path is not None)


def _is_at(config: SocketConfig, sock: socket.socket) -> bool:
    address = sock.getsockname()
    if config.path is not None:
        return os.fsdecode(address) == config.path
    if sock.family != family_of(config) or address[1] != config.port:
        return False
    try:
        return bool(resolve(config, config.port)[0] == address[0])
    except SocketError:
        # To bind it will fail, too, and say so.
        return False


def describe(given: Given) -> str:
    """`'web' at 127.0.0.1:8000`."""
    address = given.sock.getsockname()
    where = os.fsdecode(address) if given.sock.family == socket.AF_UNIX else f"{address[0]}:{address[1]}"
    return f"{given.name!r} at {where}" if given.name else where
