"""Ends processes that are not our children, with their groups. Blocks: for before the loop, or for a thread.

Waits on pidfds, not on a clock; what SIGKILL doesn't end in time hangs in the kernel, and nobody can end it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Sequence

from msgspec import Struct

from circus_stack.system.foundlings import send_certainly
from circus_stack.system.process_stamp import Stamp, Standing, is_living, members_of, process_table

_KILLED_S = 5.0


class Eviction(Struct, frozen=True):
    """One process to be ended: `signum` now, SIGKILL to all of its group after `grace_s` seconds."""

    stamp: Stamp
    signum: int
    grace_s: float
    whole_group: bool = False


def end_processes(endings: Sequence[Eviction]) -> tuple[Stamp, ...]:
    """End them all at the same time, and what is left of their groups; those that live on in spite of SIGKILL."""
    began = time.monotonic()
    for each in endings:
        for stamp in {each.stamp, *(_members([each.stamp]) if each.whole_group else ())}:
            send_certainly(stamp, each.signum)
    for each in sorted(endings, key=lambda each: each.grace_s):
        _wait_gone([each.stamp], began + each.grace_s - time.monotonic())
    # Also what a process that went by itself has left in its group.
    stamps = [each.stamp for each in endings]
    left = list({*_members(stamps), *filter(is_living, stamps)})
    for stamp in left:
        send_certainly(stamp, signal.SIGKILL)
    return tuple(_wait_gone(left, _KILLED_S))


def _members(leaders: Sequence[Stamp]) -> list[Stamp]:
    """Everybody in the groups of these, themselves included."""
    groups: dict[int, list[Standing]] = {each.pid: [] for each in leaders}
    for standing in process_table():
        if standing.group in groups:
            groups[standing.group].append(standing)
    return [stamp for leader in leaders for stamp in members_of(leader, groups[leader.pid])]


def _wait_gone(stamps: Sequence[Stamp], timeout_s: float) -> list[Stamp]:
    """Wait for the end of all of them; those that are still there."""
    deadline = time.monotonic() + timeout_s
    for stamp in stamps:
        with contextlib.suppress(ProcessLookupError):
            pidfd = os.pidfd_open(stamp.pid)
            try:
                if is_living(stamp):
                    poll = select.poll()
                    poll.register(pidfd, select.POLLIN)
                    poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
            finally:
                os.close(pidfd)
    return [stamp for stamp in stamps if is_living(stamp)]
