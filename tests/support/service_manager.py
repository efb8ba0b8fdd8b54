"""A small stand-in for systemd's side of a service: NOTIFY_SOCKET, socket activation, the watchdog.

It speaks the protocol of sd_notify(3), sd_listen_fds(3) and sd_watchdog_enabled(3), and is no systemd: no cgroups, no
restart, no dependencies.
"""

from __future__ import annotations

import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import Program
from tests.support.waiting import PATIENCE_S

_CREDENTIALS = struct.Struct("3i")
# Runs as the child: the descriptors go to 3 and on, and LISTEN_PID must be the pid of what it becomes.
_LAUNCHER = """\
import fcntl, os, sys
given = [int(each) for each in sys.argv[1].split(",") if each]
high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 100) for fd in given]
for number, fd in enumerate(high):
    os.dup2(fd, 3 + number)
os.closerange(3 + len(given), max([fd + 1 for fd in high + given] + [3 + len(given)]))
if given:
    os.environ["LISTEN_PID"] = str(os.getpid())
if "WATCHDOG_USEC" in os.environ:
    os.environ["WATCHDOG_PID"] = str(os.getpid())
os.execv(sys.argv[2], sys.argv[2:])
"""


@dataclass(frozen=True)
class Message:
    """One datagram: its fields, and its sender as the kernel names it."""

    pid: int
    fields: Mapping[str, str]


class ServiceManager:
    """Starts one program as a service with `Type=notify` and `NotifyAccess=main`, and keeps what it is told."""

    def __init__(self, directory: Path, *, is_abstract: bool = False) -> None:
        path = str(directory / "manager")
        self.address = f"@{path}" if is_abstract else path
        self.messages: list[Message] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(f"\0{path}" if is_abstract else path)
        self._main: Program | None = None

    def start(
        self,
        argv: Sequence[str],
        log: Path,
        *,
        environ: Mapping[str, str],
        cwd: Path,
        sockets: Mapping[str, socket.socket] | None = None,
        watchdog_usec: int = 0,
    ) -> Program:
        """The program with the sockets from descriptor 3 on, under their names."""
        given = dict(sockets or {})
        env = {**environ, "NOTIFY_SOCKET": self.address}
        if given:
            env |= {"LISTEN_FDS": str(len(given)), "LISTEN_FDNAMES": ":".join(given)}
        if watchdog_usec:
            env["WATCHDOG_USEC"] = str(watchdog_usec)
        numbers = [each.fileno() for each in given.values()]
        words = [sys.executable, "-I", "-S", "-c", _LAUNCHER, ",".join(map(str, numbers)), *argv]
        self._main = Program(words, log, base_env=env, cwd=cwd, pass_fds=numbers)
        return self._main

    @property
    def main(self) -> Program:
        assert self._main is not None
        return self._main

    def wait(self, *wanted: str, timeout_s: float = PATIENCE_S) -> Message:
        """The next message that has all of `wanted`, each `NAME=VALUE` or `NAME`; those before it are kept, too."""
        deadline = time.monotonic() + timeout_s
        while True:
            message = self._receive(deadline - time.monotonic())
            if message is None:
                heard = "\n".join(map(str, self.messages))
                raise AssertionError(f"waited in vain for {wanted}; heard\n{heard}\n{self.main.output()}")
            if all(_has(message, each) for each in wanted):
                return message

    def watch(self, timeout_s: float) -> None:
        """Wait for signs of life for as long as they come in time; end the service as systemd does when one doesn't."""
        deadline = time.monotonic() + 2 * PATIENCE_S
        while time.monotonic() < deadline:
            self._main_watched_until = time.monotonic() + timeout_s
            if not self._hears_sign_of_life():
                self.main.signal(signal.SIGABRT)
                # systemd wakes what it ends: a stopped process would not take the signal.
                self.main.signal(signal.SIGCONT)
                return
        raise AssertionError("the service never missed its watchdog")

    def _hears_sign_of_life(self) -> bool:
        while (left := self._main_watched_until - time.monotonic()) > 0:
            message = self._receive(left)
            if message is not None and _has(message, "WATCHDOG=1"):
                return True
        return False

    def _receive(self, timeout_s: float) -> Message | None:
        """The next message of the main process, or None at the end of the time; others have no say."""
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            if not select.select([self._socket], [], [], left)[0]:
                return None
            data, ancillary, _, _ = self._socket.recvmsg(65536, socket.CMSG_SPACE(_CREDENTIALS.size))
            pid = next(_CREDENTIALS.unpack(each)[0] for _, kind, each in ancillary if kind == socket.SCM_CREDENTIALS)
            lines = (line.partition("=") for line in data.decode().splitlines())
            message = Message(pid, {name: value for name, _, value in lines})
            if pid == self.main.pid:
                self.messages.append(message)
                return message
        return None

    def close(self) -> None:
        self._socket.close()
        if not self.address.startswith("@"):
            Path(self.address).unlink(missing_ok=True)


def listening(address: tuple[str, int] | str) -> socket.socket:
    """A socket as a `.socket` unit opens it."""
    sock = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
    if not isinstance(address, str):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(address)
    sock.listen(16)
    return sock


def _has(message: Message, wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    return name in message.fields and (not equals or message.fields[name] == value)
