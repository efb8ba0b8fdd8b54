"""Which process a number means: the number together with the moment of its start, which no two of one boot share.

Reads /proc; changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_ENDED = ("Z", "X")


@dataclass(frozen=True, slots=True)
class Stamp:
    """One process of this boot. `started` is in clock ticks since the boot: field 22 of proc_pid_stat(5)."""

    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A line of the process table: who it is, and whom it belongs to. A zombie `has_ended`."""

    stamp: Stamp
    has_ended: bool
    group: int
    session: int


def boot_id() -> str:
    """The kernel's name for the time since the machine came up: numbers and ticks of another boot mean nothing."""
    return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def stamp_of(pid: int) -> Stamp | None:
    """Who has that number now; None where nobody lives under it, a zombie included."""
    found = standing_of(pid)
    return None if found is None or found.has_ended else found.stamp


def is_living(stamp: Stamp) -> bool:
    """Whether the process is still there, as itself, and not as a zombie."""
    return stamp_of(stamp.pid) == stamp


def standing_of(pid: int) -> Standing | None:
    """The line of one number in the process table; None where there is none."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The program's name, in parentheses, may hold anything; then state, parent, group, session, ... and 22nd the start.
    fields = text.rpartition(")")[2].split()
    return Standing(Stamp(pid, int(fields[19])), fields[0] in _ENDED, int(fields[2]), int(fields[3]))


def process_table() -> Iterator[Standing]:
    """Every process that this one can see."""
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            standing = standing_of(int(entry.name))
            if standing is not None:
                yield standing
