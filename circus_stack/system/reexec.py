"""The program that runs, executed anew in the same process: with which words, and with which descriptors.

What is handed over stands in a file without a name in memory, whose descriptor an environment variable names.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, MutableMapping, Sequence
from typing import NoReturn

from msgspec import Struct

VARIABLE = "CIRCUS_STACK_HANDOVER"
_RESUME, _REHEARSE = "resume", "rehearse"


class Handover(Struct, frozen=True):
    """What this process was started with: go on where another program was, or only try whether that would do. The
    answer of a rehearsal goes to `report_fd`."""

    memory_fd: int
    report_fd: int | None = None

    def text(self) -> str:
        """The value of the variable."""
        if self.report_fd is None:
            return f"{_RESUME}:{self.memory_fd}"
        return f"{_REHEARSE}:{self.memory_fd}:{self.report_fd}"

    def read(self) -> bytes:
        """What was handed over, once: the file goes with it. Raises OSError."""
        try:
            return os.pread(self.memory_fd, os.fstat(self.memory_fd).st_size, 0)
        finally:
            os.close(self.memory_fd)


def claim_handover(environ: MutableMapping[str, str]) -> Handover | None:
    """Take the variable out of the environment, so that no child inherits it. None where there is none, or nonsense."""
    kind, *numbers = environ.pop(VARIABLE, "").split(":")
    if not all(number.isdecimal() for number in numbers):
        return None
    match [kind, *map(int, numbers)]:
        case ["resume", int(memory)]:
            return Handover(memory)
        case ["rehearse", int(memory), int(report)]:
            return Handover(memory, report)
    return None


def write_memory(data: bytes) -> int:
    """A file without a name in memory that holds `data`; its descriptor, close-on-exec. Raises OSError."""
    fd = os.memfd_create("circus-handover", os.MFD_CLOEXEC)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]
    except OSError:
        os.close(fd)
        raise
    return fd


def own_command() -> list[str]:
    """The words that started this program, the interpreter first, by its path."""
    return [sys.executable, *sys.orig_argv[1:]]


def execute(command: Sequence[str], environ: Mapping[str, str], fds: Collection[int]) -> NoReturn:
    """Become another program in the same process, with these descriptors and what this program had inherited itself.

    Raises OSError, and nothing has changed then. Threads end with it, whatever they are at. Blocked signals stay
    blocked, and those that came wait.
    """
    given = [fd for fd in fds if not os.get_inheritable(fd)]
    try:
        for fd in given:
            os.set_inheritable(fd, True)
        os.execve(command[0], list(command), environ)
    finally:
        for fd in given:
            os.set_inheritable(fd, False)
