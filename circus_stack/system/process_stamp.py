"""Which process a number means: the number together with the moment of its start, which no two of one boot share.

Reads /proc; changes nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from circus_stack.system.process_table import Entry, read_entry, read_table

_PROC = Path("/proc")


class Stamp(Struct, frozen=True):
    """One process of this boot. `started` is in clock ticks since the boot: field 22 of proc_pid_stat(5)."""

    pid: int
    started: int


class Standing(Struct, frozen=True):
    """A line of the process table: who it is, and whom it belongs to. A zombie `has_ended`."""

    stamp: Stamp
    has_ended: bool
    group: int
    session: int


def boot_id() -> str:
    """The kernel's name for the time since the machine came up: numbers and ticks of another boot mean nothing."""
    return (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def now_in_ticks() -> int:
    """The time of a `Stamp`: whoever starts from now on has that or more."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def stamp_of(pid: int) -> Stamp | None:
    """Who has that number now; None where nobody lives under it, a zombie included."""
    found = standing_of(pid)
    return None if found is None or found.has_ended else found.stamp


def is_living(stamp: Stamp) -> bool:
    """Whether the process is still there, as itself, and not as a zombie."""
    return stamp_of(stamp.pid) == stamp


def standing_of(pid: int) -> Standing | None:
    """The line of one number in the process table; None where there is none."""
    entry = read_entry(pid)
    return None if entry is None else _standing(entry)


def process_table() -> Iterator[Standing]:
    """Every process that this one can see."""
    return map(_standing, read_table().values())


def _standing(entry: Entry) -> Standing:
    return Standing(Stamp(entry.pid, entry.started), entry.is_zombie, entry.group, entry.session)


def members_of(leader: Stamp, group: Iterable[Standing]) -> list[Stamp]:
    """Who lives in the group that `leader` leads or has led, of those that have its number for their group's; nobody
    where the number went to a stranger.

    While a member lives, the kernel gives the number to nobody. A process of that number that is not the leader tells
    that the last member had gone before.
    """
    found = list(group)
    if any(each.stamp.pid == leader.pid and each.stamp != leader for each in found):
        return []
    return [each.stamp for each in found if not each.has_ended]
