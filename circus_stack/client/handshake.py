"""Why an arbiter does not let a client in: libzmq tells it to nobody but its monitor, and tries again for ever."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import zmq

from circus_stack.client.credentials import KEY_VARIABLE, Credentials
from circus_stack.errors import CallError

EVENTS = (
    zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
# The first frame of a message of the monitor, zmq_socket_monitor(3): the event's number and a value. pyzmq's own parser
# stands in a module that imports asyncio.
_FACTS = struct.Struct("=Hi")
# One side wants keys, the other has none.
_MISMATCH = zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH
# An arbiter that ends cuts a handshake, too; the next attempt then finds nobody, or another one.
_CUTS = 2
# Without a key libzmq mostly tells what is wrong, unless the other side is always quicker to hang up.
_CUTS_WITHOUT_KEY = 4
# It hangs up on whoever it has no descriptor for, and can tell nobody but its log.
_SHORTAGE = "it is out of descriptors, which its log tells"


class Handshake:
    """Judges what the monitor of one client's socket tells. `attempts` is how many there will be, None for no end.
    `is_open` while a connection is, if `zmq.EVENT_DISCONNECTED` is among what is told."""

    def __init__(self, endpoint: str, credentials: Credentials | None, *, attempts: int | None = None) -> None:
        self._endpoint = endpoint
        self._credentials = credentials
        self._cuts = 0
        self._error: CallError | None = None
        self.is_open = False
        self._enough = min(attempts or _CUTS, _CUTS) if credentials else _CUTS_WITHOUT_KEY

    def judge(self, frames: Sequence[bytes]) -> int:
        """One message of the monitor; the event's number. Raises CallError where it means that nobody lets us in."""
        try:
            return self._judge(frames)
        except CallError as error:
            self._error = error
            raise

    def check(self) -> None:
        """Raise the CallError of before: libzmq tries no more after some of these failures."""
        if self._error is not None:
            raise self._error

    def _judge(self, frames: Sequence[bytes]) -> int:
        event: int
        event, value = _FACTS.unpack(frames[0])
        if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
            raise CallError(self._unknown_key())
        if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL and value == _MISMATCH:
            raise CallError(self._mismatch())
        if event == zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL:
            self._count_cut()
        elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            # Whoever was kept out may have been let in since.
            self._cuts, self._error = 0, None
            self.is_open = True
        elif event == zmq.EVENT_DISCONNECTED:
            self.is_open = False
        return event

    def _count_cut(self) -> None:
        self._cuts += 1
        if self._cuts < self._enough:
            return
        if self._credentials is None:
            # The side without a reason: it may want a key, and be quicker to hang up than to say so.
            raise CallError(f"{self._mismatch()}; or {_SHORTAGE}: it hung up {self._cuts} times and said nothing")
        raise CallError(
            f"whoever listens at {self._endpoint} does not hold the server key that was named: the arbiter has "
            f"another one by now, it is not the arbiter, the endpoint is one of its others (commands, events, logs), "
            f"or {_SHORTAGE}"
        )

    def _unknown_key(self) -> str:
        public = "" if self._credentials is None else f" {self._credentials.public}"
        return f"the arbiter at {self._endpoint} does not let this key in:{public} is not in its authorized_keys"

    def _mismatch(self) -> str:
        if self._credentials is not None:
            return f"the arbiter at {self._endpoint} has no keys: connect without one"
        return (
            f"the arbiter at {self._endpoint} lets in only who has a key: name it with --key FILE, or {KEY_VARIABLE} "
            f"(circus-stack keygen client NAME makes one, where the arbiter runs)"
        )
