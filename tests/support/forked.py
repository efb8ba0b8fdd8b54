"""Programs of a person's terminal, run to their end as forks of a process that has imported them already.

They take a hundredth of a second of processor time instead of a quarter. What a program does is the same; how its
interpreter starts is not seen here, so that an arbiter, a program in a terminal and whatever is told about Python by
its environment are started as ever.
"""

from __future__ import annotations

import array
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

_PROGRAMS = ("circusctl", "circus-stack", "circusd")
# They stay, start others that might, look at the interpreter itself, or start it anew.
_STARTED_AS_EVER = {"serve", "doctor", "upgrade", "bench", "--daemon", "--ssh"}
_SERVER = Path(__file__).with_name("forkserver.py")
_lock = threading.Lock()
_server: list[socket.socket] = []


def can_fork(argv: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether a fork is the same as a program that is started: a program of ours, and a Python as it is here."""
    return bool(
        _server
        and Path(argv[0]).name in _PROGRAMS
        and not _STARTED_AS_EVER & set(argv)
        and _of_python(env) == _of_python({**os.environ, "PYTHONUNBUFFERED": "1"})
    )


def start_server() -> None:
    """Start it, once for all tests of this process, before this becomes a subreaper: an arbiter that a test runs in
    this process takes all children for its own, and ends them. It ends with this process, and imports when asked first.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        argv = [sys.executable, str(_SERVER), str(theirs.fileno())]
        environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
        no = subprocess.DEVNULL
        subprocess.run(argv, env=environ, pass_fds=[theirs.fileno()], stdin=no, stdout=no, check=True)
    _server.append(ours)


def run_forked(
    argv: Sequence[str], *, env: Mapping[str, str], cwd: Path, stdin: str | None, timeout_s: float
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run` with captured text; `stdin` is all that it can read.

    Raises:
        subprocess.TimeoutExpired: It was killed.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write((stdin or "").encode())
        given.seek(0)
        answers, theirs = os.pipe()
        try:
            request = {"argv": list(argv), "env": dict(env), "cwd": str(cwd)}
            fds = [given.fileno(), out.fileno(), err.fileno(), theirs]
            try:
                with _lock:
                    socket.send_fds(_server[0], [json.dumps(request).encode()], fds)
            finally:
                os.close(theirs)
            status = _wait(argv, answers, timeout_s)
        finally:
            os.close(answers)
        texts = []
        for each in (out, err):
            each.seek(0)
            texts.append(each.read().decode())
    return subprocess.CompletedProcess(list(argv), status, *texts)


def _wait(argv: Sequence[str], answers: int, timeout_s: float) -> int:
    size = array.array("i").itemsize
    (pid,) = struct.unpack("i", os.read(answers, size))
    if not select.select([answers], [], [], timeout_s)[0]:
        os.kill(pid, signal.SIGKILL)
        os.read(answers, size)
        raise subprocess.TimeoutExpired(list(argv), timeout_s)
    return int(struct.unpack("i", os.read(answers, size))[0])


def _of_python(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(("PYTHON", "LC_", "LANG", "LD_"))}
