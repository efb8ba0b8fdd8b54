"""What doesn't change in a process's life: user, command line, start. Read once, and once more when it has settled."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Callable, Iterable

from msgspec import Struct

from circus_stack.stats.collect.reading import Reading

HIDDEN = "N/A"
# A worker gives itself a title when it has loaded its application.
_SETTLED_S = 10.0
_MOST = 64 * 1024


class Particulars(Struct, frozen=True):
    """One process. `created` is in seconds since the epoch; `base_name` its program without the directory."""

    pid: int
    username: str
    argv: tuple[str, ...]
    base_name: str
    created: float
    is_settled: bool


class Register:
    """The particulars of the processes that were asked for. `booted` is when `Reading.started` counts from."""

    def __init__(self, booted: float, clock: Callable[[], float] = time.time) -> None:
        self._booted = booted
        self._clock = clock
        self._known: dict[int, tuple[float, Particulars]] = {}

    def of(self, pid: int, reading: Reading) -> Particulars:
        """The particulars of the process that the reading is of."""
        known = self._known.get(pid)
        is_settled = self._clock() - self._booted - reading.started > _SETTLED_S
        if known is not None and known[0] == reading.started and known[1].is_settled is is_settled:
            return known[1]
        found = _read(pid, self._booted + reading.started, is_settled)
        self._known[pid] = (reading.started, found)
        return found

    def keep(self, pids: Iterable[int]) -> None:
        """Forget everybody else."""
        for pid in self._known.keys() - set(pids):
            del self._known[pid]


def boot_time() -> float:
    """When this machine came up, in seconds since the epoch."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _read(pid: int, created: float, is_settled: bool) -> Particulars:
    argv = _argv(pid)
    return Particulars(pid, _username(pid), argv, base_name(argv), created, is_settled)


def base_name(argv: tuple[str, ...]) -> str:
    """The program without its directory, as Circus has it. A title, "chaussette: /srv/app.ini [gevent]", is no path."""
    if not argv:
        return HIDDEN
    is_title = len(argv) == 1 and " " in argv[0]
    return argv[0] if is_title else argv[0].rpartition("/")[2]


def _username(pid: int) -> str:
    try:
        uid = os.stat(f"/proc/{pid}").st_uid  # noqa: PTH116 - one of a thousand
    except OSError:
        return HIDDEN
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _argv(pid: int) -> tuple[str, ...]:
    try:
        with open(f"/proc/{pid}/cmdline", "rb", buffering=0) as file:  # noqa: PTH123 - one of a thousand
            words = file.read(_MOST).decode("utf-8", "replace").split("\0")
    except OSError:
        return ()
    # A program that wrote a title over its command line leaves empty words behind.
    while words and not words[-1]:
        words.pop()
    return tuple(words)
