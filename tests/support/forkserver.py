"""A process that has imported the programs of a person's terminal and forks one for each request; run by forked.py.

Only what makes a fork equal to a program that was started: its streams, environment, directory and words. The script
itself is then called as the console script calls it, and ends as Python does.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import select
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

# What most programs import in their functions: who needs more imports the rest, as ever.
_PRELOADED = (
    *("circus_stack.cli.circusctl", "circus_stack.cli.stack", "circus_stack.cli.circusd", "circus_stack.cli.starting"),
    *("circus_stack.cli.ctl_flags", "circus_stack.cli.ctl_logs", "circus_stack.cli.target", "circus_stack.cli.remote"),
    *("circus_stack.cli.status", "circus_stack.cli.stop", "circus_stack.cli.reload", "circus_stack.cli.logs"),
    *(
        "circus_stack.cli.check",
        "circus_stack.cli.keygen",
        "circus_stack.cli.console",
        "circus_stack.cli.token_command",
    ),
    *("circus_stack.config.load", "circus_stack.config.overrides", "circus_stack.client.sync"),
    *("circus_stack.daemon.adoption.orphans", "circus_stack.plugins.loading", "encodings.idna"),
)
# Words, environment and directory of one program.
_LARGEST_REQUEST = 1 << 18
_STREAMS = 3
_plain_end: list[int] = []


def wait_for_a_request(requests: socket.socket) -> Callable[[], None]:
    """In a fork: the program to call. In the server this ends when nobody can ask any more."""
    running: dict[int, tuple[int, int]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not requests:
                    selector.unregister(key.fileobj)
                    _tell_the_end(key.fd, *running.pop(key.fd))
                    continue
                message, fds, _, _ = socket.recv_fds(requests, _LARGEST_REQUEST, _STREAMS + 1)
                if not message:
                    sys.exit()
                *streams, answers = fds
                pid = os.fork()
                if pid == 0:
                    selector.close()
                    for fd in (requests.detach(), answers, *running, *(pipe for _, pipe in running.values())):
                        os.close(fd)
                    return _become(json.loads(message), streams)
                os.write(answers, struct.pack("i", pid))
                for fd in streams:
                    os.close(fd)
                exited = os.pidfd_open(pid)
                running[exited] = (pid, answers)
                selector.register(exited, selectors.EVENT_READ)


def _tell_the_end(exited: int, pid: int, answers: int) -> None:
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    # Who asked may have lost patience.
    with contextlib.suppress(BrokenPipeError):
        os.write(answers, struct.pack("i", status))
    for fd in (exited, answers):
        os.close(fd)


def _become(request: dict[str, object], streams: list[int]) -> Callable[[], None]:
    """Make this fork the program that was asked for."""
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
        os.close(fd)
    environ, words = request["env"], request["argv"]
    assert isinstance(environ, dict)
    assert isinstance(words, list)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(str(request["cwd"]))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = words
    name = Path(words[0]).name.replace("-", "_")
    program: Callable[[], None] = getattr(import_module("circus_stack.cli.entry"), name)
    return program


def _call(program: Callable[[], None]) -> None:
    """Call it. With an ordinary exit status it ends without giving back its memory piece by piece, which would copy
    all that it shares with the server."""
    try:
        program()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            _plain_end.append(end.code or 0)
        raise


def _end_at_once() -> None:
    """What Python does last, after its threads and all else that is to be done at exit."""
    if _plain_end:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_plain_end[0] & 0xFF)


if __name__ == "__main__":
    # No child of who starts it.
    if os.fork():
        os._exit(0)
    # The first that is registered is called last.
    atexit.register(_end_at_once)
    # A Ctrl-C is for the programs: this ends with who has started it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A script finds its own directory there.
    sys.path[0] = str(Path(sys.executable).parent)
    _requests = socket.socket(fileno=int(sys.argv[1]))
    # Who asks for nothing shall not pay for it.
    select.select([_requests], [], [])
    if _requests.recv(1, socket.MSG_PEEK):
        for _name in _PRELOADED:
            import_module(_name)
        # Or the first collection of a fork would write to all pages.
        gc.freeze()
        _call(wait_for_a_request(_requests))
