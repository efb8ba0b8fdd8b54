"""The options of a socket: the record of `[socket:NAME]`. Declarations only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from circus_stack.config import kinds
from circus_stack.config.option import Change, option
from circus_stack.config.values import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketConfig:
    """A listening socket: section `[socket:NAME]`. With `path` it is a unix socket, whatever `family` says."""

    name: str
    host: str = option("localhost", kinds.TEXT, "Host name or address.", change=Change.REBIND)
    port: int = option(8080, kinds.PORT, "TCP port.", change=Change.REBIND)
    path: str | None = option(None, kinds.TEXT, "Path of a unix socket.", change=Change.REBIND)
    family: str = option(
        "AF_INET", kinds.choice("AF_INET", "AF_INET6", "AF_UNIX"), "Address family.", change=Change.REBIND
    )
    type: str = option(
        "SOCK_STREAM",
        kinds.choice("SOCK_STREAM", "SOCK_DGRAM", "SOCK_SEQPACKET"),
        "Type; a SOCK_DGRAM is bound and does not listen.",
        change=Change.REBIND,
    )
    proto: int = option(0, kinds.COUNT, "Protocol number; 0 is the type's own.", change=Change.REBIND)
    backlog: int = option(2048, kinds.COUNT, "Length of the accept queue.", change=Change.REBIND)
    blocking: bool = option(False, kinds.BOOL, "Hand the socket on in blocking mode.", change=Change.REBIND)
    so_reuseport: bool = option(
        False,
        kinds.BOOL,
        "A socket of its own for each process, between which the kernel divides.",
        change=Change.REBIND,
    )
    interface: str | None = option(
        None, kinds.TEXT, "Network interface that the socket is bound to (SO_BINDTODEVICE).", change=Change.REBIND
    )
    replace: bool = option(
        False,
        kinds.BOOL,
        "Remove whatever socket file stands at path; a stale one is removed anyway.",
        change=Change.REBIND,
    )
    umask: int | None = option(
        None,
        kinds.OCTAL,
        "File mode mask under which a unix socket's file is made, in octal; Circus reads it in base 10.",
        change=Change.REBIND,
    )
    owner: str | None = option(
        None, kinds.USER, "User (name or number) who owns a unix socket's file.", change=Change.REBIND
    )
    group: str | None = option(
        None, kinds.GROUP, "Group (name or number) that a unix socket's file belongs to.", change=Change.REBIND
    )
    mode: int | None = option(
        None, kinds.OCTAL, "Permission bits of a unix socket's file; otherwise the umask's.", change=Change.REBIND
    )
    # How many of the next ports may be tried where this one is in use: of a socket that no file declares.
    spare_ports: int = 0
    where: Mapping[str, Location] = field(default_factory=dict, compare=False, repr=False)
