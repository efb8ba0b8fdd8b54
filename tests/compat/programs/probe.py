"""Writes down what a process of a watcher finds: words, environment, directories, descriptors, limits. Then waits.

usage: probe.py REPORT [WORD...]
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import socket
import sys
from pathlib import Path


def descriptors() -> list[str]:
    """What stands behind each descriptor, in their order: a path, or the kind of what has none."""
    found: list[str] = []
    for path in sorted(Path("/proc/self/fd").iterdir(), key=lambda each: int(each.name)):
        with contextlib.suppress(OSError):
            target = str(path.readlink())
            if not target.startswith("/proc/"):
                found.append(target.partition(":")[0])
    return found


def word(text: str) -> str:
    """`fd:N` becomes the address of that listening socket: the number is any."""
    if not text.startswith("fd:"):
        return text
    with socket.socket(fileno=os.dup(int(text[3:]))) as sock:
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        name = sock.getsockname()
        address = name if isinstance(name, str) else f"{name[0]}:{name[1]}"
        return f"{address} {sock.family.name} {sock.type.name} listens={listens}"


def limits() -> dict[str, list[int]]:
    names = ("RLIMIT_NOFILE", "RLIMIT_CORE", "RLIMIT_NPROC", "RLIMIT_AS")
    return {name: list(resource.getrlimit(getattr(resource, name))) for name in names}


def environment() -> dict[str, str]:
    """As it was given: the interpreter adds to os.environ."""
    pairs = (each.partition("=") for each in Path("/proc/self/environ").read_text().split("\0") if each)
    return {name: value for name, _, value in pairs}


def report() -> dict[str, object]:
    mask = os.umask(0)
    os.umask(mask)
    return {
        "words": [word(each) for each in sys.argv[2:]],
        "environ": environment(),
        "cwd": str(Path.cwd()),
        "descriptors": descriptors(),
        "limits": limits(),
        "umask": mask,
        "leads its session": os.getsid(0) == os.getpid(),
        "leads its group": os.getpgrp() == os.getpid(),
        "uid": os.getresuid(),
        "gid": os.getresgid(),
        "groups": os.getgroups(),
        "nice": os.nice(0),
        "ignored": sorted(
            int(each)
            for each in signal.Signals
            if each not in (signal.SIGKILL, signal.SIGSTOP, signal.SIGPIPE, signal.SIGXFSZ)
            and signal.getsignal(each) is signal.SIG_IGN
        ),
        "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    }


def main() -> None:
    path = Path(sys.argv[1])
    print(f"out of {path.stem}\nsecond line", flush=True)
    print(f"err of {path.stem}", file=sys.stderr, flush=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(report()))
    draft.rename(path)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
