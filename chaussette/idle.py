"""Ending idle keep-alive connections so that no request is lost, without knowing how the server keeps them.

`shutdown(SHUT_RD)` on a connection's own socket makes the next read of the server return end of file, but only after
what the kernel already received: a request that arrived in time is still read and answered.
"""

from __future__ import annotations

import _socket
import contextlib
import os
import socket
import struct
from collections.abc import Iterator, Sequence

# linux/tcp.h, struct tcp_info: 8 bytes of flags, 11 u32 up to and with tcpi_last_data_sent, tcpi_last_ack_sent, then:
LAST_DATA_RECV_OFFSET = 8 + 4 * 11
TCP_INFO_BYTES = LAST_DATA_RECV_OFFSET + 8
native_socket = _socket.socket


def accepted_fds(listening: Sequence[tuple[int, object]]) -> Iterator[int]:
    """The fds of this process that were accepted on one of `listening`, pairs of (port, path) from `local_key`.

    Found by their local address, so that it works for a server that keeps its sockets in C.
    """
    wanted = set(listening)
    for entry in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names only, on a path that is never stopped on
        with contextlib.suppress(OSError):
            sock = native_socket(fileno=int(entry))
            try:
                is_listening = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                if not is_listening and local_key(sock) in wanted:
                    yield int(entry)
            finally:
                sock.detach()


def local_key(sock: _socket.socket) -> tuple[int, object]:
    """What an accepted socket and its listener have in common: (family, port or path)."""
    name = sock.getsockname()
    return int(sock.family), (name if sock.family == socket.AF_UNIX else name[1])


def seconds_since_data(fd: int) -> float | None:
    """How long ago the last byte came in on a TCP connection; None where the kernel does not say (a unix socket)."""
    sock = native_socket(fileno=fd)
    try:
        if sock.family == socket.AF_UNIX:
            return None
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, TCP_INFO_BYTES)
        return float(struct.unpack_from("I", info, LAST_DATA_RECV_OFFSET)[0]) / 1000
    finally:
        sock.detach()


def end_reading(fd: int) -> None:
    """Let the server read what has come in on `fd`, then end of file."""
    with contextlib.suppress(OSError):
        sock = native_socket(fileno=fd)
        try:
            sock.shutdown(socket.SHUT_RD)
        finally:
            sock.detach()


def end_silent(listening: Sequence[tuple[int, object]], silent_s: float) -> None:
    """`end_reading` for each connection that was accepted on one of `listening` and has received nothing for so long.

    For servers in C, which know alone who is idle. Where the kernel does not tell (a unix socket), for all of them.
    """
    for fd in accepted_fds(listening):
        since_s = seconds_since_data(fd)
        if since_s is None or since_s >= silent_s:
            end_reading(fd)
