"""Lets clients in by their keys: libzmq asks at an address of its own (ZAP, rfc.zeromq.org/spec/27) before each
handshake with CURVE is done, and waits for the answer without holding anybody else up.

Not pyzmq's authenticator: its asyncio form makes tasks and a poller, reads certificates from files, and answers with no
user id that could change its meaning while a connection lives.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import zmq
from zmq.utils import z85

from circus_stack.control.authority import Authority
from circus_stack.control.complaint import Complaint
from circus_stack.control.readable import ReadableSocket

log = logging.getLogger(__name__)

# The only address that libzmq asks at, in the context of the socket that is guarded.
_ADDRESS = "inproc://zeromq.zap.01"
_VERSION = b"1.0"
# version, request id, domain, address, identity, mechanism, and CURVE's one credential.
_FRAMES = 7
_KEY_BYTES = 32


class Authenticator:
    """Answers libzmq for all sockets of a context. To be made before any of them is bound, and closed after them: a
    guarded socket without it lets nobody in."""

    def __init__(self, loop: asyncio.AbstractEventLoop, context: zmq.Context[Any], authority: Authority) -> None:
        self._authority = authority
        self._complain = Complaint(loop.time, log.warning)
        socket = context.socket(zmq.REP)
        try:
            socket.bind(_ADDRESS)
        except BaseException:
            socket.close(linger=0)
            raise
        self._readable = ReadableSocket(loop, socket, self._read_one)

    def _read_one(self) -> None:
        request: list[bytes] = self._readable.socket.recv_multipart(zmq.NOBLOCK)
        self._readable.socket.send_multipart(self._answer(request), zmq.NOBLOCK)

    def _answer(self, request: list[bytes]) -> list[bytes]:
        number = request[1] if len(request) > 1 else b""
        key = _key_of(request)
        if key is not None and self._authority.knows(key):
            # What comes here as user id stands beside each message of this connection; a client cannot set it.
            return [_VERSION, number, b"200", b"OK", key.encode(), b""]
        self._complain("a client was refused: its key is not authorised: %s", key or "no key")
        return [_VERSION, number, b"400", b"this key is not authorised", b"", b""]

    def close(self) -> None:
        """Let nobody in any more. Safe to call twice."""
        self._readable.close(0)


def _key_of(request: list[bytes]) -> str | None:
    if len(request) != _FRAMES or request[0] != _VERSION or request[5] != b"CURVE" or len(request[6]) != _KEY_BYTES:
        return None
    return z85.encode(request[6]).decode()
