"""Telling the supervisor how the worker fares: the sd_notify protocol, spoken by a plain datagram.

Source: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import contextlib
import os
import time
from _thread import start_new_thread  # the native one: a monkey-patched thread would run in the hub
from collections.abc import MutableMapping

# The class itself, taken when this module is imported: monkey patching replaces the name in `socket` later, and a
# patched socket must not be used in the hub of a greenlet library, where a signal handler may run.
from socket import AF_UNIX, MSG_DONTWAIT, SOCK_DGRAM
from socket import socket as native_socket

READY_TIMEOUT_S = 5.0
# How often, and how many times, a supervisor is looked for that was killed: for ten minutes.
_INSIST_PAUSE_S = 0.5
_INSIST_TIMES = 1200
native_sleep = time.sleep
# The end of the path of systemd's own socket, of the system's and of a user's.
_SYSTEMD = "/systemd/notify"


class Notifier:
    """Sends states to NOTIFY_SOCKET; does nothing where there is none.

    `beat_interval_s` is how often the supervisor wants to hear of us (half of WATCHDOG_USEC, seconds), or None.
    """

    def __init__(self, address: str = "", beat_interval_s: float | None = None) -> None:
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.beat_interval_s = beat_interval_s if address else None
        self._is_stopping = False

    @property
    def is_heard(self) -> bool:
        """Whether the other end may replace us when asked to. systemd, whose socket has a name of its own, does not."""
        return bool(self._address) and not self._address.endswith(_SYSTEMD)

    @classmethod
    def from_environ(cls, environ: MutableMapping[str, str]) -> Notifier:
        """Take the address out of `environ`, so that a program that the app starts cannot speak in our name."""
        address = environ.pop("NOTIFY_SOCKET", "")
        usec = environ.pop("WATCHDOG_USEC", "")
        pid = environ.pop("WATCHDOG_PID", "")
        is_ours = not pid or pid == str(os.getpid())
        interval = int(usec) / 2_000_000 if usec.isdecimal() and int(usec) > 0 and is_ours else None
        return cls(address, interval)

    def ready(self, status: str) -> None:
        """READY=1 with our pid. May wait a little where the supervisor is slow to read: this one must arrive. Where
        there is none, since it was killed, it is said again until the next one has come to the same address."""
        message = f"READY=1\nMAINPID={os.getpid()}\nSTATUS={status}"
        if self._address and not self._send(message, timeout_s=READY_TIMEOUT_S):
            start_new_thread(self._insist, (message,))

    def _insist(self, message: str) -> None:
        for _ in range(_INSIST_TIMES):
            native_sleep(_INSIST_PAUSE_S)
            if self._is_stopping or self._send(message):
                return

    def stopping(self, status: str) -> None:
        """STOPPING=1. Never waits: it is sent from a signal handler."""
        self._is_stopping = True
        self._send(f"STOPPING=1\nSTATUS={status}")

    def beat(self) -> None:
        """WATCHDOG=1. Never waits."""
        self._send("WATCHDOG=1")

    def ask_replacement(self, reason: str) -> bool:
        """Ask for a successor, and to be stopped once it serves; False where that could not be said. Never waits."""
        return self._send(f"X_CIRCUS_REPLACE={reason}")

    def _send(self, message: str, timeout_s: float = 0.0) -> bool:
        if not self._address:
            return False
        # A supervisor that went away must not take its workers along: they serve on.
        with contextlib.suppress(OSError), native_socket(AF_UNIX, SOCK_DGRAM) as sock:
            sock.settimeout(timeout_s)
            sock.sendto(message.encode(), 0 if timeout_s else MSG_DONTWAIT, self._address)
            return True
        return False
