"""Requests and replies of sock_diag(7) about listening sockets: TCP over IPv4 and IPv6, and unix. Bytes only; pure."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h, linux/unix_diag.h, net/tcp_states.h
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_SOCK_DIAG_BY_FAMILY = 20
_NLM_F_REQUEST, _NLM_F_DUMP = 0x1, 0x300
_LISTEN = 1 << 10
_INET_DIAG_SKMEMINFO = 7
_SK_MEMINFO_DROPS = 8
_UDIAG_SHOW_NAME, _UDIAG_SHOW_RQLEN = 0x1, 0x10
_UNIX_DIAG_NAME, _UNIX_DIAG_RQLEN = 0, 4

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
# family, state, timer, retransmits; ports; addresses; interface and cookie; expires, queue, limit, uid, inode
_INET = struct.Struct("=4B2s2s16s16s3I5I")
_UNIX = struct.Struct("=4BI2I")
_TWO = struct.Struct("=II")

FAMILIES = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)


class Queue(NamedTuple):
    """A listening socket: its address (host and port, or the path of a unix socket), how many connections wait, how
    many may, and how many were turned away, None where the kernel doesn't say."""

    host: str
    port: int
    path: str
    queued: int
    limit: int
    drops: int | None


class DiagError(Exception):
    """The kernel refused; the number is an errno."""

    def __init__(self, errno: int) -> None:
        self.errno = errno
        super().__init__(f"errno {errno}")


def request(family: int) -> bytes:
    """Ask for all listening stream sockets of a family."""
    if family == socket.AF_UNIX:
        body = struct.pack("=BBHIIIII", family, 0, 0, _LISTEN, 0, _UDIAG_SHOW_NAME | _UDIAG_SHOW_RQLEN, 0, 0)
    else:
        wanted = 1 << (_INET_DIAG_SKMEMINFO - 1)
        body = struct.pack("=BBBBI48x", family, socket.IPPROTO_TCP, wanted, 0, _LISTEN)
    flags = _NLM_F_REQUEST | _NLM_F_DUMP
    return _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, flags, 0, 0) + body


def parse(family: int, data: bytes) -> tuple[list[Queue], bool]:
    """The sockets in one datagram, and whether it was the last. Raises DiagError; ValueError for what is cut off."""
    found: list[Queue] = []
    at = 0
    while at + _HEADER.size <= len(data):
        length, kind, *_ = _HEADER.unpack_from(data, at)
        if not _HEADER.size <= length <= len(data) - at:
            raise ValueError("a message is cut off")
        body = data[at + _HEADER.size : at + length]
        if kind == _NLMSG_DONE:
            return found, True
        if kind == _NLMSG_ERROR:
            raise DiagError(-struct.unpack_from("=i", body)[0])
        found.append(_unix(body) if family == socket.AF_UNIX else _inet(family, body))
        at += _aligned(length)
    return found, False


def _inet(family: int, body: bytes) -> Queue:
    fields = _INET.unpack_from(body)
    port = int.from_bytes(fields[4], "big")
    host = socket.inet_ntop(family, fields[6][: 4 if family == socket.AF_INET else 16])
    queued, limit = fields[12], fields[13]
    memory = dict(_attributes(body[_INET.size :])).get(_INET_DIAG_SKMEMINFO, b"")
    words = struct.unpack(f"={len(memory) // 4}I", memory[: len(memory) // 4 * 4])
    drops = words[_SK_MEMINFO_DROPS] if len(words) > _SK_MEMINFO_DROPS else None
    return Queue(host, port, "", queued, limit, drops)


def _unix(body: bytes) -> Queue:
    attributes = dict(_attributes(body[_UNIX.size :]))
    queued, limit = _TWO.unpack(attributes.get(_UNIX_DIAG_RQLEN, bytes(_TWO.size)))
    # A name in the kernel begins with a NUL; a path may end with one.
    path = attributes.get(_UNIX_DIAG_NAME, b"").rstrip(b"\0").decode("utf-8", "surrogateescape")
    return Queue("", 0, path, queued, limit, None)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if not _ATTRIBUTE.size <= length <= len(data) - at:
            raise ValueError("an attribute is cut off")
        yield kind, data[at + _ATTRIBUTE.size : at + length]
        at += _aligned(length)


def _aligned(length: int) -> int:
    """Netlink's messages and attributes begin at multiples of 4."""
    return (length + 3) & ~3
