"""The zygote's end of the channel to its supervisor: packets in with their descriptors, reports out. It may wait."""

from __future__ import annotations

import array
import os
from collections.abc import MutableMapping

# The class itself, taken before anything patches the module: the zygote waits in the kernel, in no hub.
from socket import AF_UNIX, CMSG_LEN, MSG_CMSG_CLOEXEC, MSG_CTRUNC, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET
from socket import socket as native_socket

from chaussette.errors import UsageError
from chaussette.zygote.messages import (
    CONTROL_VARIABLE,
    MOST_BYTES,
    MOST_FDS,
    Fork,
    Report,
    decode_fork,
    encode_report,
)

_FD_BYTES = array.array("i").itemsize


class Control:
    """Closed by whoever has it; a worker closes it first of all."""

    def __init__(self, sock: native_socket) -> None:
        self._sock = sock

    @classmethod
    def from_environ(cls, environ: MutableMapping[str, str]) -> Control | None:
        """The channel that a supervisor has left for us, taken out of `environ`; None where it asks for a plain worker.
        Raises UsageError."""
        number = environ.pop(CONTROL_VARIABLE, "")
        if not number:
            return None
        try:
            sock = native_socket(AF_UNIX, SOCK_SEQPACKET, 0, fileno=int(number))
            sock.getpeername()
        except (OSError, ValueError) as error:
            raise UsageError(
                f"{CONTROL_VARIABLE}={number}: a supervisor sets it to the number of its channel: {error}"
            ) from None
        sock.set_inheritable(False)
        return cls(sock)

    def fileno(self) -> int:
        """The descriptor."""
        return self._sock.fileno()

    def send(self, report: Report) -> bool:
        """False where the supervisor is gone."""
        try:
            self._sock.send(encode_report(report))
        except OSError:
            return False
        return True

    def receive(self) -> tuple[Fork, list[int] | None] | None:
        """The next request, and the descriptors that came with it, or None in their place where not all could be taken,
        for want of numbers; None at the end. Raises ValueError for a message that is none."""
        try:
            data, ancillary, flags, _ = self._sock.recvmsg(MOST_BYTES, CMSG_LEN(MOST_FDS * _FD_BYTES), MSG_CMSG_CLOEXEC)
        except ConnectionError:
            return None
        fds = array.array("i")
        for level, kind, content in ancillary:
            if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
                fds.frombytes(content[: len(content) - len(content) % _FD_BYTES])
        if not data:
            close_all(list(fds))
            return None
        if flags & MSG_CTRUNC:
            # The limit of open files, our own or that of the machine.
            close_all(list(fds))
            return decode_fork(data), None
        return decode_fork(data), list(fds)

    def close(self) -> None:
        """Have no more to do with it."""
        self._sock.close()


def close_all(fds: list[int]) -> None:
    """Close what was received."""
    for fd in fds:
        os.close(fd)
