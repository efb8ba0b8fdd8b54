"""The sending side of sd_notify: what this process tells the service manager, such as systemd, that has started it.

Source: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import deque
from collections.abc import Mapping

# Beyond this a manager that doesn't read is left alone: its newest word counts, and it can't be helped.
_MAX_PENDING = 64


class ServiceManager:
    """Sends states to NOTIFY_SOCKET, in order, and never waits; does nothing where there is none.

    `watchdog_s` is how long it waits for a sign of life (WATCHDOG_USEC, seconds), None where it doesn't.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, environ: Mapping[str, str]) -> None:
        self._loop = loop
        self._pending: deque[bytes] = deque(maxlen=_MAX_PENDING)
        self._socket = _connected(environ.get("NOTIFY_SOCKET", ""))
        self.watchdog_s = _watchdog_s(environ) if self._socket is not None else None

    @property
    def is_there(self) -> bool:
        """Whether anybody is told anything."""
        return self._socket is not None

    def ready(self, status: str) -> None:
        """Everything is up, after a start or a reload. The pid, too: a daemon's isn't that of its first process."""
        self._send(f"READY=1\nMAINPID={os.getpid()}\nSTATUS={_line(status)}")

    def status(self, status: str) -> None:
        """One line for a person."""
        self._send(f"STATUS={_line(status)}")

    def reloading(self, status: str) -> None:
        """A reload begins; `ready` ends it, however it went."""
        stamp = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={stamp}\nSTATUS={_line(status)}")

    def stopping(self, status: str) -> None:
        """The end has begun."""
        self._send(f"STOPPING=1\nSTATUS={_line(status)}")

    def beat(self) -> None:
        """A sign of life."""
        self._send("WATCHDOG=1")

    def close(self) -> None:
        """Say what is left to say, as far as that goes at once."""
        if self._socket is not None:
            self._flush()
            self._loop.remove_writer(self._socket)
            self._socket.close()
            self._socket = None

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        self._pending.append(message.encode(errors="replace"))
        if len(self._pending) == 1:
            self._flush()

    def _flush(self) -> None:
        sock = self._socket
        while sock is not None and self._pending:
            try:
                sock.send(self._pending[0])
            except BlockingIOError:
                # Its queue is full: the rest goes out as soon as it has read.
                self._loop.add_writer(sock, self._flush)
                return
            except OSError:
                # It went away, and takes no word any more: the stack serves on without it.
                self._pending.clear()
                break
            self._pending.popleft()
        if sock is not None:
            self._loop.remove_writer(sock)


def _connected(address: str) -> socket.socket | None:
    if not address.startswith(("/", "@")):
        return None
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        sock.connect("\0" + address[1:] if address[0] == "@" else address)
    except OSError:
        sock.close()
        return None
    return sock


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    usec, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    is_ours = not pid or pid == str(os.getpid())
    return int(usec) / 1_000_000 if is_ours and usec.isdecimal() and int(usec) > 0 else None


def _line(text: str) -> str:
    """A line break would begin another field."""
    return " ".join(text.split())
