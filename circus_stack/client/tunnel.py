"""The way to an arbiter on another machine: the ssh program forwards a unix socket here to the endpoint there.

A unix socket in a directory that only this user can enter, since a forwarded port would let every user of this machine
in. The ssh program, since it knows the user's keys, agent, hosts and jump hosts.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from circus_stack.client.closing import Closing
from circus_stack.errors import CallError

_SERVER = re.compile(r"(?:([^@\s]+)@)?(\[[^\[\]\s]+\]|[^@:\s\[\]]+)(?::(\d{1,5}))?")
# Somebody may have to type a passphrase; nobody sits there for longer.
_MOST_S = 60.0
_PAUSE_S = 0.02
# linux/prctl.h
_PR_SET_PDEATHSIG = 1


class Tunnel(Closing):
    """One ssh process that forwards to one endpoint; `endpoint` is what a client here connects to.

    `server` is `[USER@]HOST[:PORT]`, the endpoint `tcp://HOST:PORT` or `ipc://PATH` as seen from there. `timeout_s`
    bounds each step of the connection, 60 s all of it. Raises CallError, with what ssh said.
    """

    def __init__(self, server: str, endpoint: str, *, keyfile: str | None = None, timeout_s: float = 5.0) -> None:
        self.server = server
        self._directory = Path(tempfile.mkdtemp(prefix="circus-ssh-"))
        self._local, self._log = self._directory / "s", self._directory / "log"
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = self._start(ssh_command(server, endpoint, self._local, keyfile, timeout_s))
            self._wait_open(endpoint, time.monotonic() + _MOST_S, timeout_s)
        except BaseException:
            self.close()
            raise
        self.endpoint = f"ipc://{self._local}"

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            try:
                return subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_death_with_parent()
                )
            except FileNotFoundError:
                raise CallError(
                    "--ssh needs the program ssh, which was not found (Debian: apt install openssh-client)"
                ) from None

    def _wait_open(self, endpoint: str, deadline: float, timeout_s: float) -> None:
        """Until the far end answers: ssh accepts here whether or not anybody listens there."""
        while not self._local.exists():
            self._check_alive()
            if time.monotonic() > deadline:
                raise CallError(f"ssh to {self.server}: no connection within {_MOST_S:.0f} s{self._told()}")
            time.sleep(_PAUSE_S)
        if not _is_answered(self._local, timeout_s):
            self._check_alive()
            raise CallError(f"nobody answers at {endpoint} of {self.server}{self._told()}")

    def _check_alive(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            raise CallError(f"ssh to {self.server} failed{self._told()}")

    def _told(self) -> str:
        """What ssh said last; a moment may pass until it has said why."""
        with contextlib.suppress(OSError):
            lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
            return f": {'; '.join(lines[-2:])}" if lines else ""
        return ""

    def close(self) -> None:
        """End ssh and remove the socket. Safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)


def ssh_command(server: str, endpoint: str, local: Path, keyfile: str | None, timeout_s: float) -> list[str]:
    """The words of the ssh command. Raises CallError for a server or an endpoint that can't be meant. Pure."""
    match = _SERVER.fullmatch(server)
    # A name that begins with a dash would be an option of ssh.
    if match is None or server.startswith("-") or match[2].startswith("-"):
        raise CallError(f"{server!r} is no ssh server: write it as [USER@]HOST[:PORT]")
    user, host, port = match[1], match[2].strip("[]"), match[3]
    options = {
        "ExitOnForwardFailure": "yes",
        "ConnectTimeout": str(max(1, round(timeout_s))),
        "ServerAliveInterval": "15",
        # A connection that is shared with other sessions would outlive this one.
        "ControlMaster": "no",
        "ControlPath": "none",
    }
    words = ["ssh", "-N", "-T", "-L", f"{local}:{_far_end(endpoint)}"]
    words += [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    words += ["-p", port] if port else []
    words += ["-i", keyfile] if keyfile else []
    return [*words, "--", f"{user}@{host}" if user else host]


def _far_end(endpoint: str) -> str:
    scheme, _, address = endpoint.partition("://")
    if scheme == "ipc" and address.startswith("/"):
        return address
    host, colon, port = address.rpartition(":")
    if scheme != "tcp" or not colon or not port.isdigit():
        raise CallError(f"no way through ssh to {endpoint!r}: write it as tcp://HOST:PORT or ipc:///PATH")
    # What listens everywhere listens there, too.
    return f"127.0.0.1:{port}" if host in ("*", "0.0.0.0", "") else f"{host}:{port}"


def _is_answered(local: Path, timeout_s: float) -> bool:
    """Whether a ZeroMQ peer is behind the socket: it says its greeting at once, where a refused channel is closed."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(max(1.0, timeout_s))
        try:
            probe.connect(str(local))
            return bool(probe.recv(1))
        except OSError:
            return False


def _death_with_parent() -> Callable[[], object] | None:
    """What makes ssh end with us, also where we are killed (`circusctl --ssh HOST listen | head`).

    Only in the main thread: the kernel sends the signal when the thread that forked ends.
    """
    if threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
