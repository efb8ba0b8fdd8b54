"""How much of the machine a process may claim against others: CPU, disk, memory when there is none left. Whether this
process may give that to a child; sets nothing, but for a moment in a thread of its own.

Niceness, class of input and output, and affinity are a thread's own on Linux, inherited by what it starts.
"""

from __future__ import annotations

import ctypes
import os
import platform
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from circus_stack.system.capabilities import CAP_SYS_RESOURCE, has_capability

# ionice(1): the number of each class; realtime and best-effort have levels, 0 the highest of 8.
CLASSES = {"none": 0, "realtime": 1, "best-effort": 2, "idle": 3}
# linux/ioprio.h
_CLASS_SHIFT = 13
_WHO_PROCESS = 1
# asm/unistd.h: the number of ioprio_set(2), which the C library has no name for.
_IOPRIO_SET = {"x86_64": 251, "i686": 289, "aarch64": 30, "riscv64": 30, "armv7l": 314, "ppc64le": 273, "s390x": 282}


class Priorities(Struct, frozen=True):
    """What a child is started with; None, and no cpus: what the arbiter has. `ionice` is `CLASS` or `CLASS:LEVEL`."""

    nice: int | None = None
    ionice: str | None = None
    oom_score_adj: int | None = None
    cpus: tuple[int, ...] = ()

    @property
    def is_any(self) -> bool:
        """Whether there is anything to set."""
        return self != Priorities()

    def io_class(self) -> tuple[int, int | None]:
        """The numbers of class and level; no level where none is given."""
        name, colon, level = (self.ionice or "none").partition(":")
        return CLASSES[name], int(level) if colon else None


def refusals(wanted: Priorities) -> Iterator[tuple[str, str]]:
    """The option and the reason for each that this process could not give to a child. The kernel itself is asked, in a
    thread that ends after it."""
    if wanted.nice is not None and (error := _tried(lambda: os.setpriority(os.PRIO_PROCESS, 0, wanted.nice or 0))):
        yield "nice", f"{error}: below {os.getpriority(os.PRIO_PROCESS, 0)}, which the arbiter has, needs CAP_SYS_NICE"
    if wanted.ionice is not None and (error := _tried(lambda: _set_io_class(wanted))):
        yield "ionice", f"{error}: the class realtime needs CAP_SYS_NICE or CAP_SYS_ADMIN"
    if wanted.oom_score_adj is not None and (reason := _why_no_score(wanted.oom_score_adj)):
        yield "oom_score_adj", reason
    if wanted.cpus and (error := _tried(lambda: _set_cpus(wanted.cpus))):
        yield "cpu_affinity", error


def _tried(action: Callable[[], object]) -> str:
    """Why it cannot be done; empty where it can."""
    found: list[str] = []

    def attempt() -> None:
        try:
            action()
        except (OSError, ValueError) as error:
            found.append(getattr(error, "strerror", None) or str(error))

    thread = threading.Thread(target=attempt, name="circus-priorities")
    thread.start()
    thread.join()
    return found[0] if found else ""


def _set_io_class(wanted: Priorities) -> None:
    number = _IOPRIO_SET.get(platform.machine())
    if number is None:
        # What cannot be asked for is seen when the first child is started.
        return
    io_class, level = wanted.io_class()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, _WHO_PROCESS, 0, io_class << _CLASS_SHIFT | (level or 0)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _set_cpus(cpus: tuple[int, ...]) -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, cpus)
    except (OSError, OverflowError):
        raise ValueError(f"this arbiter may use none of them; it uses {_ranges(before)}") from None
    missing = set(cpus) - os.sched_getaffinity(0)
    if missing:
        raise ValueError(f"{_ranges(missing)} cannot be used here; the arbiter uses {_ranges(before)}")


def _ranges(cpus: set[int]) -> str:
    return ", ".join(map(str, sorted(cpus)))


def _why_no_score(score: int) -> str:
    own = int(Path("/proc/self/oom_score_adj").read_bytes())
    if score >= own or has_capability(CAP_SYS_RESOURCE):
        return ""
    return f"below {own}, which the arbiter has, needs CAP_SYS_RESOURCE"
